/* delivery.h -- how far the peer of a socket has received what was written to it (Linux).
 *
 *     written  [ acknowledged by the peer's kernel ][ outstanding: on its way, or in our kernel ]
 *
 * Bytes that only our kernel has taken say nothing about the peer; acknowledged ones do.
 * Each call makes two system calls, so it is for deadlines, not for messages.
 */
#ifndef TSIO_DELIVERY_H
#define TSIO_DELIVERY_H

#include "base.h"

typedef struct {
    uint64_t acknowledged; /* bytes, from any origin; valid if `is_tcp` */
    uint32_t outstanding;  /* bytes written and not acknowledged; for a Unix socket: not read by the peer */
    uint32_t quiet_ms;     /* since the peer last acknowledged anything; valid if `is_tcp` */
    bool is_tcp;
} tsio_delivery;

/* TSIO_E_SYSTEM with errno: no such socket, or the system cannot tell. */
tsio_status tsio_delivery_of(int fd, tsio_delivery *delivery);

/* Only `outstanding`, in one system call; 0 if the system cannot tell. */
uint32_t tsio_delivery_outstanding(int fd);

#endif
