#include "load/net.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load/clock.h"
#include "load/fail.h"

enum { RECEIVE_BYTES = 256 * 1024, EVENTS_PER_PASS = 512 };

void net_init(bench_net *net, size_t largest, bool eager)
{
    net->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (net->epoll_fd < 0)
        fail("epoll_create1: %s", strerror(errno));
    net->eager = eager;
    net->now_ns = clock_now_ns();
    net->buffer_size = RECEIVE_BYTES + largest;
    net->buffer = grow(NULL, net->buffer_size);
    net->dirty = NULL;
    net->wire = NULL;
}

/* --- watching ------------------------------------------------------------- */

static int watch(net_conn *conn, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = conn};
    return epoll_ctl(conn->net->epoll_fd, operation, conn->fd, &event);
}

bool net_adopt(bench_net *net, net_conn *conn, int fd)
{
    conn->net = net;
    conn->fd = fd;
    if (watch(conn, EPOLL_CTL_ADD, EPOLLIN) == 0)
        return true;
    conn->fd = -1;
    return false;
}

void net_release(net_conn *conn)
{
    watch(conn, EPOLL_CTL_DEL, 0);
    conn->fd = -1;
}

void net_close(net_conn *conn, bool reset)
{
    if (conn->fd < 0)
        return;
    if (reset) {
        const struct linger now = {.l_onoff = 1, .l_linger = 0};
        setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    if (conn->session != NULL)
        conn->net->wire->free(conn->session);
    conn->session = NULL;
    close(conn->fd);
    conn->fd = -1;
    conn->connecting = conn->blocked = false;
    conn->tail_len = conn->out_pos = conn->out_len = 0;
}

void net_free(net_conn *conn)
{
    net_close(conn, false);
    free(conn->tail);
    free(conn->out);
    conn->tail = conn->out = NULL;
    conn->tail_capacity = conn->out_capacity = 0;
}

static void lose(net_conn *conn, int error)
{
    net_close(conn, false);
    conn->handler->closed(conn, error);
}

/* --- opening ---------------------------------------------------------------- */

void net_connect(bench_net *net, net_conn *conn, const struct sockaddr_in *to, const struct sockaddr_in *source)
{
    const int on = 1;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("socket: %s", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (source != NULL) {
        /* The port is picked when connecting: it need only be free towards that peer. */
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(fd, (const struct sockaddr *)source, sizeof *source) != 0)
            fail("bind: %s", strerror(errno));
    }
    if (connect(fd, (const struct sockaddr *)to, sizeof *to) != 0 && errno != EINPROGRESS)
        fail("connect: %s", strerror(errno));
    if (!net_adopt(net, conn, fd))
        fail("epoll_ctl: %s", strerror(errno));
    if (net->wire != NULL)
        conn->session = net->wire->open(fd);
    conn->connecting = true;
    watch(conn, EPOLL_CTL_MOD, EPOLLOUT);
}

/* --- the wire ------------------------------------------------------------------- */

static ssize_t wire_recv(net_conn *conn, void *data, size_t len)
{
    return conn->session != NULL ? conn->net->wire->recv(conn->session, data, len) : recv(conn->fd, data, len, 0);
}

static ssize_t wire_send(net_conn *conn, const void *data, size_t len)
{
    return conn->session != NULL ? conn->net->wire->send(conn->session, data, len)
                                 : send(conn->fd, data, len, MSG_NOSIGNAL);
}

/* --- receiving ---------------------------------------------------------------- */

static void keep_tail(net_conn *conn, const uint8_t *rest, size_t len)
{
    if (len > conn->tail_capacity) {
        conn->tail = grow(conn->tail, len);
        conn->tail_capacity = len;
    }
    if (len > 0)
        memcpy(conn->tail, rest, len);
    conn->tail_len = len;
}

/* One recv: if there is more, epoll says so again, and the others are not kept waiting. */
static void receive(net_conn *conn)
{
    bench_net *net = conn->net;
    if (conn->tail_len == net->buffer_size) {
        lose(conn, EMSGSIZE);
        return;
    }
    const ssize_t count = wire_recv(conn, net->buffer + conn->tail_len, net->buffer_size - conn->tail_len);
    if (count <= 0) {
        if (count == 0 || (errno != EAGAIN && errno != EINTR))
            lose(conn, count == 0 ? 0 : errno);
        else if (conn->session != NULL)
            net_flush(conn); /* the bytes of the wire itself may have made sending possible */
        return;
    }
    net->now_ns = clock_now_ns();
    const size_t len = conn->tail_len + (size_t)count;
    if (conn->tail_len > 0)
        memcpy(net->buffer, conn->tail, conn->tail_len);
    const size_t used = conn->handler->received(conn, net->buffer, len);
    if (conn->fd >= 0)
        keep_tail(conn, net->buffer + used, len - used);
}

/* --- sending -------------------------------------------------------------------- */

uint8_t *net_reserve(net_conn *conn, size_t len)
{
    if (conn->out_pos > 0 && conn->out_len + len > conn->out_capacity) {
        conn->out_len -= conn->out_pos;
        memmove(conn->out, conn->out + conn->out_pos, conn->out_len);
        conn->out_pos = 0;
    }
    if (conn->out_len + len > conn->out_capacity) {
        conn->out_capacity = 2 * conn->out_capacity + len;
        conn->out = grow(conn->out, conn->out_capacity);
    }
    return conn->out + conn->out_len;
}

void net_commit(net_conn *conn, size_t len)
{
    if (conn->fd < 0)
        return;
    conn->out_len += len;
    if (conn->dirty)
        return;
    conn->dirty = true;
    conn->next_dirty = conn->net->dirty;
    conn->net->dirty = conn;
}

void net_write(net_conn *conn, const void *data, size_t len)
{
    memcpy(net_reserve(conn, len), data, len);
    net_commit(conn, len);
}

static void drain(net_conn *conn)
{
    while (conn->out_pos < conn->out_len) {
        const ssize_t sent = wire_send(conn, conn->out + conn->out_pos, conn->out_len - conn->out_pos);
        if (sent >= 0) {
            conn->out_pos += (size_t)sent;
        } else if (errno == EAGAIN) {
            if (!conn->blocked)
                watch(conn, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            conn->blocked = true;
            return;
        } else if (errno == EALREADY) {
            return;
        } else if (errno != EINTR) {
            lose(conn, errno);
            return;
        }
    }
    conn->out_pos = conn->out_len = 0;
    if (conn->blocked)
        watch(conn, EPOLL_CTL_MOD, EPOLLIN);
    conn->blocked = false;
}

void net_flush(net_conn *conn)
{
    if (conn->fd >= 0 && !conn->connecting && !conn->blocked)
        drain(conn);
}

static void flush_dirty(bench_net *net)
{
    while (net->dirty != NULL) {
        net_conn *conn = net->dirty;
        net->dirty = conn->next_dirty;
        conn->dirty = false;
        net_flush(conn);
    }
}

static void finish_connect(net_conn *conn)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        lose(conn, error);
        return;
    }
    conn->connecting = false;
    watch(conn, EPOLL_CTL_MOD, EPOLLIN);
    drain(conn);
}

/* --- the loop ------------------------------------------------------------------- */

/* An earlier event of the same pass may have closed the connection. */
static void handle(net_conn *conn, uint32_t events)
{
    if (conn->fd < 0)
        return;
    if (conn->handler->ready != NULL) {
        conn->handler->ready(conn);
        return;
    }
    if (conn->connecting) {
        finish_connect(conn);
        return;
    }
    if ((events & EPOLLOUT) != 0)
        drain(conn);
    if (conn->fd >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        receive(conn);
}

void net_pass(bench_net *net, int timeout_ms)
{
    struct epoll_event events[EVENTS_PER_PASS];
    flush_dirty(net);
    const int count = epoll_wait(net->epoll_fd, events, EVENTS_PER_PASS, timeout_ms);
    if (count < 0 && errno != EINTR)
        fail("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        handle(events[i].data.ptr, events[i].events);
        if (net->eager)
            flush_dirty(net);
    }
    flush_dirty(net);
}
