/* reactor_slots.h -- the slots and the epoll registration, private to the reactor*.c files. */
#ifndef TSIO_REACTOR_SLOTS_H
#define TSIO_REACTOR_SLOTS_H

#include <errno.h>
#include <sys/epoll.h>

#include "reactor.h"

/* A value of a slot's interest that no registration equals, so that the next one is always made. */
enum { TSIO_ANY_EVENT = EPOLLMSG };

/* Returns the slot of a connection; NULL: it is in no reactor. */
static inline tsio_slot *tsio_slot_of(const tsio_reactor *reactor, const tsio_conn *conn)
{
    return conn->slot == TSIO_NO_SLOT ? NULL : &reactor->slots[conn->slot];
}

/* Registers a socket for the events that its connection waits for now. TSIO_E_SYSTEM with errno.
 * Precondition: the connection is in the reactor. */
tsio_status tsio_reactor_update_interest(tsio_reactor *reactor, const tsio_conn *conn);

/* Returns whether a failed recv() or send() may succeed later. */
static inline bool tsio_would_block(int error)
{
    /* ENOBUFS: the kernel is out of buffers for a moment. */
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR || error == ENOBUFS;
}

#endif
