/* front.h -- the front of a connection: all that sending one message to many touches.
 *
 *     chunk   [ head | front | front | front | ... ]      a cache line each
 *                        |
 *                        +--> connection: outbox, WebSocket, timers       elsewhere
 *
 * With a hundred thousand connections, what a broadcast costs is the memory it
 * fetches. So fronts stand side by side, apart from the connections, and while a
 * connection is plain (conn.h says when it is), a message waits in its front and is
 * sent from there, and nobody looks at the connection itself.
 *
 * Chunks are given back when empty. All fronts of the process share them, so only one
 * thread at a time may take a front or give one back. A flush does neither, so that another
 * thread may do it meanwhile; else, not thread-safe.
 */
#ifndef TSIO_FRONT_H
#define TSIO_FRONT_H

#include "outbox.h"

/* A ring of links; a list head is linked with itself. Zero-initialised: in no list. */
typedef struct tsio_link {
    struct tsio_link *prev, *next;
} tsio_link;

/* Connections that have something to send. Those with a message of their own go
 * first, so that they need not wait until a broadcast is written to everybody. */
typedef struct {
    tsio_link urgent, bulk;
} tsio_dirty_lists;

typedef struct tsio_front {
    uint64_t stamp; /* of the last broadcast that came by, see rooms.h */
    struct tsio_conn *conn;
    tsio_message *waiting;   /* one reference; NULL unless plain */
    tsio_dirty_lists *lists; /* NULL: nobody looks */
    tsio_link dirty;         /* in one of the lists, or none */
    const struct tsio_front *ahead; /* who is flushed soon after, NULL: unknown. For prefetching only: it may be gone */
    int fd;                /* the reactor's; -1: none */
    uint16_t place;        /* in its chunk */
    uint8_t passed;        /* messages sent from here that the outbox does not know yet */
    bool plain : 1;        /* nothing but what waits here is to be sent, and nothing is in its way */
    bool is_protected : 1; /* what waits here is */
    bool urgent : 1;       /* it is in the first of the lists */
    bool watched : 1;      /* somebody wants to know when this was flushed */
} tsio_front;

enum { TSIO_FRONT_PASSED_MAX = UINT8_MAX };

_Static_assert(sizeof(tsio_front) == 64, "a front is one cache line");

/* A front of the connection, zero but for it and the descriptor. NULL: no memory. O(1). */
tsio_front *tsio_front_new(struct tsio_conn *conn);

/* Precondition: in no list, and nothing waits. NULL is ignored. O(1). */
void tsio_front_free(tsio_front *front);

static inline tsio_front *tsio_front_of_link(tsio_link *link)
{
    return (tsio_front *)(void *)((char *)link - offsetof(tsio_front, dirty));
}

/* At the end of a list; precondition: it is in none. */
static inline void tsio_front_link(tsio_front *front, tsio_link *list)
{
    tsio_link *link = &front->dirty;
    link->prev = list->prev;
    link->next = list;
    list->prev->next = link;
    list->prev = link;
}

static inline void tsio_front_unlink(tsio_front *front)
{
    tsio_link *link = &front->dirty;
    if (link->next == NULL)
        return;
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->prev = link->next = NULL;
}

/* Puts it at the end of its urgent list, or of the other one, if it has lists. One
 * that is urgent already stays where it is. */
static inline void tsio_front_mark(tsio_front *front, bool urgent)
{
    const bool is_linked = front->dirty.next != NULL;
    if (front->lists == NULL || (is_linked && (front->urgent || !urgent)))
        return;
    tsio_front_unlink(front);
    front->urgent = urgent;
    tsio_front_link(front, urgent ? &front->lists->urgent : &front->lists->bulk);
}

/* Lets a message wait here; false: the connection is not plain, or there is one already. Precondition: as
 * for tsio_message_ref_alone(); no flush runs, and no other thread frees connections, meanwhile. */
static inline bool tsio_front_put(tsio_front *front, tsio_message *message, uint32_t flags)
{
    if (!front->plain || front->waiting != NULL)
        return false;
    tsio_message_ref_alone(message);
    front->waiting = message;
    front->is_protected = (flags & TSIO_SEND_PROTECTED) != 0;
    tsio_front_mark(front, (flags & TSIO_SEND_BULK) == 0);
    return true;
}

/* What waits here is sent. */
static inline void tsio_front_sent(tsio_front *front)
{
    tsio_message_unref(front->waiting);
    front->waiting = NULL;
    front->passed++;
}

#endif
