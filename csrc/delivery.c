#include "delivery.h"

#include <errno.h>

#ifdef __linux__
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static bool ask_tcp(int fd, tsio_delivery *delivery)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return false;
    if (len < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked)
        return false;
    delivery->acknowledged = info.tcpi_bytes_acked;
    delivery->quiet_ms = info.tcpi_last_ack_recv;
    return true;
}

tsio_status tsio_delivery_of(int fd, tsio_delivery *delivery)
{
    int outstanding = 0;
    *delivery = (tsio_delivery){0};
    if (ioctl(fd, SIOCOUTQ, &outstanding) != 0)
        return TSIO_E_SYSTEM;
    delivery->outstanding = (uint32_t)outstanding;
    delivery->is_tcp = ask_tcp(fd, delivery);
    return TSIO_OK;
}

uint32_t tsio_delivery_outstanding(int fd)
{
    int outstanding = 0;
    return ioctl(fd, SIOCOUTQ, &outstanding) == 0 ? (uint32_t)outstanding : 0;
}

#else

tsio_status tsio_delivery_of(int fd, tsio_delivery *delivery)
{
    (void)fd;
    *delivery = (tsio_delivery){0};
    errno = ENOSYS;
    return TSIO_E_SYSTEM;
}

uint32_t tsio_delivery_outstanding(int fd)
{
    (void)fd;
    return 0;
}

#endif
