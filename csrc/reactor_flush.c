/* The writing half of reactor.h: the dirty lists, the rounds over them, and the send() calls. */
#include <sys/socket.h>

#include "delivery.h"
#include "reactor_slots.h"

/* --- dirty lists and rounds ------------------------------------------------- */

bool tsio_reactor_has_dirty(const tsio_reactor *reactor)
{
    const tsio_dirty_lists *lists = &reactor->dirty;
    return lists->urgent.next != &lists->urgent || lists->bulk.next != &lists->bulk;
}

static void append_link(tsio_link *link, tsio_link *list)
{
    *link = (tsio_link){list->prev, list};
    list->prev->next = link;
    list->prev = link;
}

void tsio_reactor_begin_round(tsio_reactor *reactor)
{
    append_link(&reactor->round, &reactor->dirty.bulk);
}

bool tsio_reactor_in_round(const tsio_reactor *reactor)
{
    return reactor->round.next != NULL;
}

/* Moves the mark of a round, which is first in this list, to the next list, or ends the round. */
static void advance_round(tsio_reactor *reactor, tsio_link *list)
{
    list->next = reactor->round.next;
    list->next->prev = list;
    if (list == &reactor->dirty.bulk)
        append_link(&reactor->round, &reactor->dirty.urgent);
    else
        reactor->round = (tsio_link){NULL, NULL};
}

tsio_front *tsio_reactor_next_dirty(tsio_reactor *reactor, tsio_link *list)
{
    if (list->next == &reactor->round)
        advance_round(reactor, list);
    tsio_link *link = list->next;
    if (link == list)
        return NULL;
    tsio_front *front = tsio_front_of_link(link);
    if (front->ahead != NULL)
        __builtin_prefetch(front->ahead, 1);
    front->ahead = NULL;
    tsio_front_unlink(front);
    return front;
}

/* --- flush ------------------------------------------------------------------ */

static tsio_io_status block(tsio_reactor *reactor, tsio_conn *conn)
{
    tsio_slot *slot = tsio_slot_of(reactor, conn);
    conn->blocked = true;
    if ((slot->interest & EPOLLET) != 0) /* edge-triggered: a new registration makes epoll check the socket again */
        slot->interest = TSIO_ANY_EVENT;
    return tsio_reactor_update_interest(reactor, conn) == TSIO_OK ? TSIO_IO_WAIT : TSIO_IO_BROKEN;
}

void tsio_reactor_unblock(tsio_conn *conn)
{
    conn->blocked = false;
    tsio_conn_mark_dirty(conn, true);
}

/* Handles that everything was written. */
static tsio_io_status settle(tsio_reactor *reactor, tsio_conn *conn)
{
    if (tsio_reactor_update_interest(reactor, conn) != TSIO_OK)
        return TSIO_IO_BROKEN;
    tsio_conn_try_fast_path(conn);
    return TSIO_IO_OK;
}

/* Records whether many bytes in front of the ping that has just been sent are not acknowledged yet. Costs a system
 * call, so it is skipped for a connection with no more than a few small messages. */
static void note_bytes_before_ping(const tsio_reactor *reactor, tsio_conn *conn)
{
    if (conn->hb_busy)
        conn->hb_behind = tsio_delivery_outstanding(tsio_slot_of(reactor, conn)->fd) > TSIO_LIFE_BYTES;
}

/* Handles the result of send() of `len` bytes: `sent` bytes were sent, or it is -1 with errno. */
static tsio_io_status after_send(tsio_reactor *reactor, tsio_conn *conn, ssize_t sent, size_t len)
{
    if (sent < 0)
        return tsio_would_block(errno) ? block(reactor, conn) : TSIO_IO_BROKEN;
    tsio_conn_advance(conn, (size_t)sent);
    conn->written += (uint32_t)sent;
    if (tsio_conn_written(conn, reactor->now))
        note_bytes_before_ping(reactor, conn);
    return (size_t)sent < len ? block(reactor, conn) : TSIO_IO_OK;
}

static tsio_io_status flush_outbox(tsio_reactor *reactor, tsio_conn *conn)
{
    const tsio_slot *slot = tsio_slot_of(reactor, conn);
    for (int round = 0; round < TSIO_FLUSH_ROUNDS; round++) {
        const size_t len = tsio_conn_peek(conn, reactor->buffer, TSIO_FLUSH_BYTES);
        if (len == 0)
            return settle(reactor, conn);
        const ssize_t sent = tsio_io.send(slot->fd, reactor->buffer, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        const tsio_io_status status = after_send(reactor, conn, sent, len);
        if (status != TSIO_IO_OK)
            return status;
        if (!tsio_conn_has_output(conn))
            return settle(reactor, conn);
    }
    tsio_conn_mark_dirty(conn, false); /* behind the others */
    return TSIO_IO_MORE;
}

tsio_io_status tsio_reactor_flush(tsio_reactor *reactor, tsio_front *front)
{
    const tsio_message *message = front->waiting;
    if (message == NULL || message->ws.len > TSIO_FLUSH_BYTES || front->uncounted == TSIO_FRONT_UNCOUNTED_MAX)
        return front->conn->blocked ? TSIO_IO_WAIT : flush_outbox(reactor, front->conn);
    const size_t len = message->ws.len;
    const ssize_t sent = tsio_io.send(front->fd, message->ws.data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent != (ssize_t)len) {
        const int error = errno;
        tsio_conn_leave_fast_path(front->conn);
        errno = error;
        return after_send(reactor, front->conn, sent, len);
    }
    tsio_front_sent(front);
    return TSIO_IO_OK;
}
