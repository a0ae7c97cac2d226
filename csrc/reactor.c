#include "reactor.h"

#include <sys/socket.h>
#include <unistd.h>

#include "reactor_slots.h"

tsio_io_hook tsio_io = {recv, send};

/* --- slots ------------------------------------------------------------------ */

tsio_conn *tsio_reactor_conn(const tsio_reactor *reactor, uint32_t slot, uint32_t generation)
{
    const tsio_slot *entry = &reactor->slots[slot];
    return entry->generation == generation ? entry->conn : NULL;
}

uint32_t tsio_reactor_generation(const tsio_reactor *reactor, const tsio_conn *conn)
{
    return reactor->slots[conn->slot].generation;
}

/* Allocates more slots. */
static tsio_status grow(tsio_reactor *reactor)
{
    if (reactor->cap > UINT32_MAX / 2 / sizeof(tsio_slot))
        return TSIO_E_NO_MEMORY;
    const uint32_t cap = reactor->cap > 0 ? 2 * reactor->cap : 64;
    tsio_slot *slots = tsio_alloc.realloc(reactor->slots, cap * sizeof *slots);
    if (slots == NULL)
        return TSIO_E_NO_MEMORY;
    reactor->slots = slots;
    for (uint32_t i = reactor->cap; i < cap; i++)
        slots[i] = (tsio_slot){.fd = -1, .next_free = i + 1 < cap ? i + 1 : TSIO_NO_SLOT};
    reactor->free_slot = reactor->cap;
    reactor->cap = cap;
    return TSIO_OK;
}

/* Makes room in `closing` for the descriptor of every connection, so that removing one cannot fail. `closing` may
 * become larger than the number of slots, because a slot may be used several times within a pass. */
static bool reserve_closing(tsio_reactor *reactor)
{
    if (reactor->closing_count + reactor->count < reactor->closing_cap)
        return true;
    const uint32_t cap = 2 * (reactor->closing_count + reactor->count + 32);
    int *closing = tsio_alloc.realloc(reactor->closing, cap * sizeof *closing);
    if (closing == NULL)
        return false;
    reactor->closing = closing;
    reactor->closing_cap = cap;
    return true;
}

/* --- epoll ------------------------------------------------------------------ */

static tsio_status set_interest(tsio_reactor *reactor, uint32_t index, uint32_t events)
{
    tsio_slot *slot = &reactor->slots[index];
    if (slot->interest == events)
        return TSIO_OK;
    const int operation = events == 0 ? EPOLL_CTL_DEL : slot->interest == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    struct epoll_event event = {.events = events, .data.u64 = (uint64_t)slot->generation << 32 | index};
    if (epoll_ctl(reactor->epoll_fd, operation, slot->fd, &event) != 0)
        return TSIO_E_SYSTEM;
    slot->interest = events;
    return TSIO_OK;
}

static uint32_t input_events(const tsio_conn *conn, tsio_hang_up hang_up)
{
    switch (hang_up) {
    case TSIO_CLOSED:
        return 0;
    case TSIO_HALF_CLOSED:
        return EPOLLET; /* epoll reports a reset without being asked */
    default:
        return EPOLLRDHUP | (conn->paused ? EPOLLET : EPOLLIN);
    }
}

tsio_status tsio_reactor_update_interest(tsio_reactor *reactor, const tsio_conn *conn)
{
    const uint32_t in = input_events(conn, reactor->slots[conn->slot].hang_up);
    return set_interest(reactor, conn->slot, in | (conn->blocked ? EPOLLOUT : 0));
}

/* --- connections ------------------------------------------------------------------- */

static void clear_lists(tsio_dirty_lists *lists)
{
    lists->urgent = (tsio_link){&lists->urgent, &lists->urgent};
    lists->bulk = (tsio_link){&lists->bulk, &lists->bulk};
}

tsio_status tsio_reactor_init(tsio_reactor *reactor)
{
    *reactor = (tsio_reactor){.free_slot = TSIO_NO_SLOT, .epoll_fd = -1};
    clear_lists(&reactor->dirty);
    reactor->buffer = tsio_alloc.realloc(NULL, TSIO_READ_BYTES);
    reactor->ready = tsio_alloc.realloc(NULL, TSIO_READY_EVENTS * sizeof *reactor->ready);
    tsio_status status = TSIO_E_NO_MEMORY;
    if (reactor->buffer != NULL && reactor->ready != NULL) {
        reactor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        status = reactor->epoll_fd >= 0 ? TSIO_OK : TSIO_E_SYSTEM;
    }
    if (status != TSIO_OK)
        tsio_reactor_free(reactor);
    return status;
}

void tsio_reactor_free(tsio_reactor *reactor)
{
    tsio_reactor_end_pass(reactor);
    if (reactor->epoll_fd >= 0)
        close(reactor->epoll_fd);
    tsio_alloc.free(reactor->slots);
    tsio_alloc.free(reactor->closing);
    tsio_alloc.free(reactor->ready);
    tsio_alloc.free(reactor->buffer);
    *reactor = (tsio_reactor){.free_slot = TSIO_NO_SLOT, .epoll_fd = -1};
    clear_lists(&reactor->dirty);
}

tsio_status tsio_reactor_add(tsio_reactor *reactor, tsio_conn *conn, int fd)
{
    if (!reserve_closing(reactor) || (reactor->free_slot == TSIO_NO_SLOT && grow(reactor) != TSIO_OK))
        return TSIO_E_NO_MEMORY;
    const uint32_t index = reactor->free_slot;
    tsio_slot *slot = &reactor->slots[index];
    slot->generation++;
    slot->fd = fd;
    slot->interest = 0;
    slot->hang_up = TSIO_CONNECTED;
    const tsio_status status = set_interest(reactor, index, EPOLLIN | EPOLLRDHUP);
    if (status != TSIO_OK) {
        slot->generation++;
        slot->fd = -1;
        return status;
    }
    reactor->free_slot = slot->next_free;
    reactor->count++;
    slot->conn = conn;
    conn->slot = index;
    conn->via = TSIO_VIA_REACTOR;
    conn->paused = conn->blocked = false;
    conn->front->lists = &reactor->dirty;
    conn->front->fd = fd;
    if (tsio_conn_has_output(conn))
        tsio_conn_mark_dirty(conn, true);
    return TSIO_OK;
}

/* Leaves the fast path and the dirty lists, which only connections in a reactor have. */
static void leave_front(tsio_conn *conn)
{
    tsio_conn_leave_fast_path(conn);
    tsio_front_unlink(conn->front);
    conn->front->lists = NULL;
    conn->front->fd = -1;
}

void tsio_reactor_remove(tsio_reactor *reactor, tsio_conn *conn)
{
    tsio_slot *slot = tsio_slot_of(reactor, conn);
    if (slot == NULL)
        return;
    set_interest(reactor, conn->slot, 0);
    reactor->closing[reactor->closing_count++] = slot->fd;
    slot->fd = -1;
    slot->conn = NULL;
    slot->generation++;
    slot->interest = 0;
    slot->next_free = reactor->free_slot;
    reactor->free_slot = conn->slot;
    reactor->count--;
    leave_front(conn);
    conn->slot = TSIO_NO_SLOT;
    if (!reactor->in_pass)
        tsio_reactor_end_pass(reactor);
}

void tsio_reactor_move(tsio_reactor *reactor, tsio_conn *from, tsio_conn *to)
{
    tsio_slot *slot = tsio_slot_of(reactor, from);
    if (slot == NULL)
        return;
    slot->conn = to;
    to->slot = from->slot;
    to->via = from->via;
    to->paused = to->paused || from->paused;
    to->blocked = from->blocked;
    tsio_conn_leave_fast_path(to);
    to->front->lists = from->front->lists;
    to->front->fd = from->front->fd;
    leave_front(from);
    from->slot = TSIO_NO_SLOT;
    if (tsio_conn_has_output(to) && !to->blocked)
        tsio_conn_mark_dirty(to, true);
}

tsio_status tsio_reactor_resume(tsio_reactor *reactor, tsio_conn *conn)
{
    conn->paused = false;
    return conn->slot == TSIO_NO_SLOT ? TSIO_OK : tsio_reactor_update_interest(reactor, conn);
}

void tsio_reactor_shutdown(tsio_reactor *reactor, tsio_conn *conn)
{
    const tsio_slot *slot = tsio_slot_of(reactor, conn);
    if (slot != NULL)
        shutdown(slot->fd, SHUT_WR);
}

/* --- a pass ----------------------------------------------------------------- */

uint32_t tsio_reactor_begin_pass(tsio_reactor *reactor)
{
    if (reactor->ready_next == reactor->ready_count) {
        const int count = epoll_wait(reactor->epoll_fd, reactor->ready, TSIO_READY_EVENTS, 0);
        reactor->ready_count = count > 0 ? (uint32_t)count : 0;
        reactor->ready_next = 0;
    }
    reactor->in_pass = true;
    return reactor->ready_count - reactor->ready_next;
}

static tsio_hang_up hang_up_in(uint32_t events)
{
    if ((events & (EPOLLERR | EPOLLHUP)) != 0)
        return TSIO_CLOSED;
    return (events & EPOLLRDHUP) != 0 ? TSIO_HALF_CLOSED : TSIO_CONNECTED;
}

bool tsio_reactor_next(tsio_reactor *reactor, tsio_ready *ready)
{
    while (reactor->ready_next < reactor->ready_count) {
        const struct epoll_event *event = &reactor->ready[reactor->ready_next++];
        ready->slot = (uint32_t)event->data.u64;
        ready->generation = (uint32_t)(event->data.u64 >> 32);
        const tsio_conn *conn = tsio_reactor_conn(reactor, ready->slot, ready->generation);
        if (conn == NULL)
            continue;
        tsio_hang_up *known = &reactor->slots[ready->slot].hang_up;
        const tsio_hang_up hang_up = hang_up_in(event->events);
        ready->hung_up = hang_up > *known;
        if (ready->hung_up)
            *known = hang_up;
        ready->readable = !conn->paused && *known == TSIO_CONNECTED && (event->events & EPOLLIN) != 0;
        ready->writable = conn->blocked && (hang_up == TSIO_CLOSED || (event->events & EPOLLOUT) != 0);
        if (conn->paused || ready->hung_up) /* setting `paused` makes no system call, so this registers it */
            tsio_reactor_update_interest(reactor, conn);
        if (ready->readable || ready->writable || ready->hung_up)
            return true;
    }
    return false;
}

void tsio_reactor_end_pass(tsio_reactor *reactor)
{
    reactor->in_pass = false;
    while (reactor->closing_count > 0)
        close(reactor->closing[--reactor->closing_count]);
}

tsio_io_status tsio_reactor_hang_up(const tsio_reactor *reactor, const tsio_conn *conn)
{
    int error = 0;
    socklen_t len = sizeof error;
    getsockopt(tsio_slot_of(reactor, conn)->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    errno = error;
    return error == 0 ? TSIO_IO_EOF : TSIO_IO_BROKEN;
}

tsio_io_status tsio_reactor_read(tsio_reactor *reactor, tsio_conn *conn)
{
    const tsio_slot *slot = tsio_slot_of(reactor, conn);
    const ssize_t got = tsio_io.recv(slot->fd, reactor->buffer, TSIO_READ_BYTES, MSG_DONTWAIT);
    if (got == 0)
        return TSIO_IO_EOF;
    if (got < 0)
        return tsio_would_block(errno) ? TSIO_IO_WAIT : TSIO_IO_BROKEN;
    tsio_conn_lend(conn, reactor->buffer, (size_t)got);
    return TSIO_IO_OK;
}
