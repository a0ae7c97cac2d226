/* front.h -- the front of a connection: the only memory of it that a broadcast touches on the fast path.
 *
 *     chunk   [ head | front | front | front | ... ]      a cache line each
 *                        |
 *                        +--> connection: outbox, WebSocket, timers       elsewhere
 *
 * With a hundred thousand connections, the cost of a broadcast is the memory it
 * fetches. So fronts lie side by side, apart from the connections. While a connection is
 * on the fast path (conn.h lists the conditions), one message at a time waits in its front
 * and is sent from there, and the connection itself is not touched.
 *
 * Empty chunks are freed. All fronts of the process share the chunks, so only one
 * thread at a time may make or free a front. A flush does neither, so one thread may
 * flush while another makes or frees fronts. Otherwise not thread-safe.
 */
#ifndef TSIO_FRONT_H
#define TSIO_FRONT_H

#include "outbox.h"

/* A ring of links; a list head is linked with itself. Zero-initialised: in no list. */
typedef struct tsio_link {
    struct tsio_link *prev, *next;
} tsio_link;

/* Connections that have something to send. Those with a message of their own are
 * flushed first, so that the message does not wait until a whole broadcast is written. */
typedef struct {
    tsio_link urgent, bulk;
} tsio_dirty_lists;

typedef struct tsio_front {
    uint64_t stamp; /* of the last broadcast that visited this connection, see rooms.h */
    struct tsio_conn *conn;
    tsio_message *waiting;   /* one reference; NULL unless on the fast path */
    tsio_dirty_lists *lists; /* the reactor's dirty lists; NULL: no reactor serves the connection */
    tsio_link dirty;         /* in one of the lists, or in none */
    const struct tsio_front *ahead; /* a front that is flushed soon after, or NULL. It may be freed: only prefetch it */
    int fd;                /* the socket in the reactor; -1: none */
    uint16_t place;        /* index in its chunk */
    uint8_t uncounted;     /* messages sent from here that the outbox has not counted yet */
    bool on_fast_path : 1; /* messages are sent from here; see conn.h */
    bool is_protected : 1; /* the waiting message was sent with TSIO_SEND_PROTECTED */
    bool urgent : 1;       /* linked in the urgent list */
    bool watched : 1;      /* the flush of this front is to be reported */
    bool bulky : 1;        /* a message of more than TSIO_SMALL_BYTES has waited here since the last ping */
} tsio_front;

enum { TSIO_FRONT_UNCOUNTED_MAX = UINT8_MAX, TSIO_SMALL_BYTES = 128 };

_Static_assert(sizeof(tsio_front) == 64, "a front is one cache line");

/* Makes the front of a connection; all fields but `conn`, `fd` and `place` are zero. NULL: no memory. O(1). */
tsio_front *tsio_front_new(struct tsio_conn *conn);

/* Precondition: the front is in no list and no message waits in it. NULL is ignored. O(1). */
void tsio_front_free(tsio_front *front);

static inline tsio_front *tsio_front_of_link(tsio_link *link)
{
    return (tsio_front *)(void *)((char *)link - offsetof(tsio_front, dirty));
}

/* Appends the front to a list. Precondition: it is in none. */
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

/* Appends the front to its urgent or its bulk list, if it has lists. A front that
 * is in the urgent list stays where it is. */
static inline void tsio_front_mark(tsio_front *front, bool urgent)
{
    const bool is_linked = front->dirty.next != NULL;
    if (front->lists == NULL || (is_linked && (front->urgent || !urgent)))
        return;
    tsio_front_unlink(front);
    front->urgent = urgent;
    tsio_front_link(front, urgent ? &front->lists->urgent : &front->lists->bulk);
}

/* Stores a message in the front; false: the connection is not on the fast path, or a message waits already.
 * Precondition: as for tsio_message_ref_alone(): no flush runs and no other thread frees connections meanwhile. */
static inline bool tsio_front_put(tsio_front *front, tsio_message *message, uint32_t flags)
{
    if (!front->on_fast_path || front->waiting != NULL)
        return false;
    tsio_message_ref_alone(message);
    front->waiting = message;
    front->is_protected = (flags & TSIO_SEND_PROTECTED) != 0;
    if (message->ws.len > TSIO_SMALL_BYTES)
        front->bulky = true;
    tsio_front_mark(front, (flags & TSIO_SEND_BULK) == 0);
    return true;
}

/* Drops the waiting message, which has been sent. */
static inline void tsio_front_sent(tsio_front *front)
{
    tsio_message_unref(front->waiting);
    front->waiting = NULL;
    front->uncounted++;
}

#endif
