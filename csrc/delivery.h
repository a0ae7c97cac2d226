/* delivery.h -- how many of the bytes written to a socket its peer has received (Linux).
 *
 *     written  [ acknowledged by the peer's kernel ][ outstanding: on its way, or in our kernel ]
 *
 * Only acknowledged bytes show that the peer is alive; our kernel accepts bytes without it.
 * tsio_delivery_of() makes two system calls, so call it per deadline, not per message.
 */
#ifndef TSIO_DELIVERY_H
#define TSIO_DELIVERY_H

#include "base.h"

typedef struct {
    uint64_t acknowledged; /* bytes, from any origin; valid if `is_tcp` */
    uint32_t outstanding;  /* bytes written and not acknowledged; for a Unix socket: not read by the peer */
    uint32_t quiet_ms;     /* milliseconds since the peer last acknowledged a byte; valid if `is_tcp` */
    bool is_tcp;
} tsio_delivery;

/* Reads the delivery state of a socket. TSIO_E_SYSTEM with errno: there is no such socket,
 * or the system does not support this. */
tsio_status tsio_delivery_of(int fd, tsio_delivery *delivery);

/* Returns only `outstanding`, with one system call; 0 if the system does not support this. */
uint32_t tsio_delivery_outstanding(int fd);

#endif
