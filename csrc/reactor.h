/* reactor.h -- reads and writes the sockets of many connections (Linux).
 *
 *     epoll --ready--> [ slot, generation ] ... --next--> connection --read--> lent input
 *     dirty lists: [ conn ] - [ conn ] ...      --flush--> one send() each of all that is queued
 *
 * An inner epoll instance holds every socket; its descriptor is pollable itself, so
 * the caller waits for one descriptor instead of thousands. The reactor owns a
 * socket from add to remove, and borrows the connection. What epoll hands back is a
 * slot and its generation, never a descriptor or a pointer: when a connection went
 * while others of the same pass were served, its events fall through.
 *
 * Removing while a pass goes on only marks; descriptors are closed by
 * tsio_reactor_end_pass(), so that no number is used again within a pass.
 * Not thread-safe.
 */
#ifndef TSIO_REACTOR_H
#define TSIO_REACTOR_H

#include <sys/types.h>

#include "conn.h"

struct epoll_event;

/* The system calls that carry bytes, so that a test can make them fail. */
typedef struct {
    ssize_t (*recv)(int fd, void *buf, size_t len, int flags);
    ssize_t (*send)(int fd, const void *buf, size_t len, int flags);
} tsio_io_hook;

extern tsio_io_hook tsio_io;

enum {
    TSIO_READ_BYTES = 65536,   /* at most so much is read from a connection in one pass */
    TSIO_FLUSH_BYTES = 65536,  /* at most so much goes into one send() */
    TSIO_FLUSH_ROUNDS = 16,    /* at most so many of them in a row for one connection */
    TSIO_READY_EVENTS = 256    /* at most so many connections are told ready at once */
};

typedef struct {
    tsio_conn *conn;     /* borrowed; NULL: the slot is free */
    int fd;              /* owned */
    uint32_t generation; /* odd while in use */
    uint32_t interest;   /* the epoll events it is registered for; 0: not registered */
    uint32_t next_free;
} tsio_slot;

/* `epoll_fd`, `dirty`, `count` and `buffer` are public for reading. */
typedef struct {
    int epoll_fd;
    tsio_dirty_lists dirty; /* oldest first */
    tsio_link round; /* mark behind the fronts that were dirty when the round began; in a list while it goes on */
    tsio_slot *slots;
    uint32_t cap, free_slot, count;
    int *closing; /* descriptors to be closed at the end of the pass */
    uint32_t closing_count, closing_cap;
    struct epoll_event *ready;
    uint32_t ready_count, ready_next;
    uint8_t *buffer; /* TSIO_READ_BYTES: what was read, or is being written */
    double now; /* set by the caller of flush: what pings have left at */
    bool in_pass;
} tsio_reactor;

/* TSIO_E_NO_MEMORY, or TSIO_E_SYSTEM with errno: nothing is held. */
tsio_status tsio_reactor_init(tsio_reactor *reactor);

/* Closes everything. Precondition: no connection is in it. */
void tsio_reactor_free(tsio_reactor *reactor);

/* Takes over a connected, non-blocking socket, which must have no duplicate, and
 * puts it on the connection's account. TSIO_E_NO_MEMORY, TSIO_E_SYSTEM with errno:
 * the socket stays the caller's. */
tsio_status tsio_reactor_add(tsio_reactor *reactor, tsio_conn *conn, int fd);

/* Lets go of the connection and closes its socket; nothing happens if it is not in. */
void tsio_reactor_remove(tsio_reactor *reactor, tsio_conn *conn);

/* Another connection takes over a socket and what belongs to it (see tsio_conn_adopt()).
 * If either is paused, it is. */
void tsio_reactor_move(tsio_reactor *reactor, tsio_conn *from, tsio_conn *to);

/* Reads on. Setting `paused` stops the reading, and the reactor looks at it with the
 * next event: from then on a connection is registered for EPOLLRDHUP | EPOLLET, and
 * for EPOLLOUT if it is blocked. So a hang-up is told, and told once: without
 * EPOLLET, a reset would report for ever, also with no event asked for.
 * TSIO_E_SYSTEM with errno. */
tsio_status tsio_reactor_resume(tsio_reactor *reactor, tsio_conn *conn);

/* No more will be written: sends FIN. */
void tsio_reactor_shutdown(tsio_reactor *reactor, tsio_conn *conn);

/* --- a pass over what is ready --------------------------------------------- */

/* Asks which sockets are ready, without waiting, unless some of those told last time
 * were not served; returns how many there are to be served. */
uint32_t tsio_reactor_begin_pass(tsio_reactor *reactor);

typedef struct {
    uint32_t slot, generation;
    bool readable, writable; /* an error or a hang-up counts as both that are waited for */
    bool hung_up;            /* it is paused, and its peer has ended or reset it */
} tsio_ready;

/* The next one of them, if it is still there; false: that was all. */
bool tsio_reactor_next(tsio_reactor *reactor, tsio_ready *ready);

/* The connection, or NULL if it has gone, or another one has taken its slot. */
tsio_conn *tsio_reactor_conn(const tsio_reactor *reactor, uint32_t slot, uint32_t generation);

uint32_t tsio_reactor_generation(const tsio_reactor *reactor, const tsio_conn *conn);

/* Closes what was removed. The pass is over, also when not all was served: the rest
 * comes first in the next one, or those at the front would be served again and again. */
void tsio_reactor_end_pass(tsio_reactor *reactor);

typedef enum {
    TSIO_IO_OK,     /* read: bytes are lent to the connection; flush: nothing is left */
    TSIO_IO_WAIT,   /* read: nothing there; flush: the peer has to read first */
    TSIO_IO_MORE,   /* flush: more is left than goes in one turn; it is dirty again */
    TSIO_IO_EOF,    /* read: the peer has ended */
    TSIO_IO_BROKEN  /* errno */
} tsio_io_status;

/* Why the peer has hung up: TSIO_IO_EOF, or TSIO_IO_BROKEN with errno. Precondition: it is in. */
tsio_io_status tsio_reactor_hang_up(const tsio_reactor *reactor, const tsio_conn *conn);

/* Reads once, and lends what came to the connection until the next call on the reactor. */
tsio_io_status tsio_reactor_read(tsio_reactor *reactor, tsio_conn *conn);

/* Writes what the connection has, as far as the socket takes it.
 *
 * Threads: this and tsio_reactor_next_dirty() may run while another thread frees connections that are
 * in no reactor, which may share messages with this one. They touch the reactor, its
 * connections with their fronts and outboxes, the references of messages (message.h), which
 * are counted atomically, and the allocator, which must be thread-safe. They touch no
 * timer wheel, no room, no chunk of fronts and no form of a message. */
tsio_io_status tsio_reactor_flush(tsio_reactor *reactor, tsio_front *front);

/* Takes the first connection off a dirty list of the reactor; NULL: it is empty. */
tsio_front *tsio_reactor_next_dirty(tsio_reactor *reactor, tsio_link *list);

/* A round goes on until every connection that was dirty when it began was taken off its list,
 * whatever becomes dirty meanwhile. Precondition: none goes on. A mark is put at the end of the
 * bulk list; when it comes first there, it moves to the end of the urgent list, because
 * a connection may move there, too; when it comes first there, the round is over. O(1). */
void tsio_reactor_begin_round(tsio_reactor *reactor);

bool tsio_reactor_in_round(const tsio_reactor *reactor);

bool tsio_reactor_has_dirty(const tsio_reactor *reactor);

/* The peer has read: writing goes on with the next flush. */
void tsio_reactor_unblock(tsio_conn *conn);

#endif
