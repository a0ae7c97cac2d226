/* reactor.h -- reads and writes the sockets of many connections (Linux).
 *
 *     epoll --ready--> [ slot, generation ] ... --next--> connection --read--> lent input
 *     dirty lists: [ conn ] - [ conn ] ...      --flush--> one send() of all queued bytes for each
 *
 * An inner epoll instance holds every socket. Its descriptor is pollable itself, so that
 * the caller waits for one descriptor instead of thousands. The reactor owns a socket
 * from add to remove, and borrows the connection. Events of epoll contain a slot and its
 * generation, never a descriptor or a pointer. So the events of a connection that was
 * removed earlier in the same pass are recognised and ignored.
 *
 * During a pass, tsio_reactor_remove() does not close the descriptor: tsio_reactor_end_pass()
 * does, so that the kernel reuses no descriptor number within a pass. Not thread-safe.
 */
#ifndef TSIO_REACTOR_H
#define TSIO_REACTOR_H

#include <sys/types.h>

#include "conn.h"

struct epoll_event;

/* The system calls that read and write; a hook, so that a test can make them fail. */
typedef struct {
    ssize_t (*recv)(int fd, void *buf, size_t len, int flags);
    ssize_t (*send)(int fd, const void *buf, size_t len, int flags);
} tsio_io_hook;

extern tsio_io_hook tsio_io;

enum {
    TSIO_READ_BYTES = 65536,   /* limit of bytes read from a connection in one pass */
    TSIO_FLUSH_BYTES = 65536,  /* limit of bytes in one send() */
    TSIO_FLUSH_ROUNDS = 16,    /* limit of send() calls in a row for one connection */
    TSIO_READY_EVENTS = 256    /* limit of ready connections that one epoll_wait() returns */
};

/* How far a peer has hung up. */
typedef enum {
    TSIO_CONNECTED,
    TSIO_HALF_CLOSED, /* it has closed its side */
    TSIO_CLOSED       /* it has closed both sides, or reset the connection */
} tsio_hang_up;

typedef struct {
    tsio_conn *conn;     /* borrowed; NULL: the slot is free */
    int fd;              /* owned */
    uint32_t generation; /* odd while in use */
    uint32_t interest;   /* the epoll events it is registered for; 0: not registered */
    tsio_hang_up hang_up; /* what was reported; epoll reports no input after it */
    uint32_t next_free;
} tsio_slot;

/* `epoll_fd`, `dirty`, `count` and `buffer` are public for reading. */
typedef struct {
    int epoll_fd;
    tsio_dirty_lists dirty; /* oldest first */
    tsio_link round; /* mark behind the fronts that were dirty when the round began; in a list during a round */
    tsio_slot *slots;
    uint32_t cap, free_slot, count;
    int *closing; /* descriptors to be closed at the end of the pass */
    uint32_t closing_count, closing_cap;
    struct epoll_event *ready;
    uint32_t ready_count, ready_next;
    uint8_t *buffer; /* TSIO_READ_BYTES long: the bytes of the current read or write */
    double now; /* set by the caller of flush: the time at which pings are sent */
    bool in_pass;
} tsio_reactor;

/* Makes an epoll instance and the buffers. On TSIO_E_NO_MEMORY, or TSIO_E_SYSTEM with errno,
 * the reactor owns nothing. */
tsio_status tsio_reactor_init(tsio_reactor *reactor);

/* Closes the epoll instance and frees all memory. Precondition: the reactor has no connection. */
void tsio_reactor_free(tsio_reactor *reactor);

/* Takes over a connected, non-blocking socket, which must have no duplicate, and serves the
 * connection with it. On TSIO_E_NO_MEMORY, or TSIO_E_SYSTEM with errno, the caller keeps the
 * socket. */
tsio_status tsio_reactor_add(tsio_reactor *reactor, tsio_conn *conn, int fd);

/* Removes the connection and closes its socket; does nothing if the connection is in no reactor. */
void tsio_reactor_remove(tsio_reactor *reactor, tsio_conn *conn);

/* Moves a socket and its state from one connection to another (see tsio_conn_adopt()). If
 * either connection is paused, `to` is paused afterwards. */
void tsio_reactor_move(tsio_reactor *reactor, tsio_conn *from, tsio_conn *to);

/* Resumes reading. To pause it, set `paused`: with the next event the reactor then
 * registers the connection for EPOLLRDHUP | EPOLLET, and for EPOLLOUT if it is blocked.
 * So epoll reports a hang-up, and only once: without EPOLLET, it would report a reset
 * in every pass, even for a socket that is registered for no event.
 * TSIO_E_SYSTEM with errno. */
tsio_status tsio_reactor_resume(tsio_reactor *reactor, tsio_conn *conn);

/* Sends FIN: no more bytes will be written. */
void tsio_reactor_shutdown(tsio_reactor *reactor, tsio_conn *conn);

/* --- a pass over the ready connections -------------------------------------- */

/* Begins a pass, and returns how many connections are ready. Calls epoll_wait(), without
 * waiting, only if all connections that it reported last were served. */
uint32_t tsio_reactor_begin_pass(tsio_reactor *reactor);

typedef struct {
    uint32_t slot, generation;
    bool readable, writable; /* an error makes a blocked connection writable */
    bool hung_up; /* the peer has closed its side, or now also the other one: read what is left, although `readable`
                   * is false */
} tsio_ready;

/* Takes the next ready connection, skipping those that were removed; false: there is none left. */
bool tsio_reactor_next(tsio_reactor *reactor, tsio_ready *ready);

/* Returns the connection; NULL if it was removed, even if another connection uses its slot now. */
tsio_conn *tsio_reactor_conn(const tsio_reactor *reactor, uint32_t slot, uint32_t generation);

uint32_t tsio_reactor_generation(const tsio_reactor *reactor, const tsio_conn *conn);

/* Ends the pass, and closes the sockets that were removed in it. The caller need not have served
 * all ready connections: the rest comes first in the next pass, so that all are served in turn. */
void tsio_reactor_end_pass(tsio_reactor *reactor);

typedef enum {
    TSIO_IO_OK,     /* read: bytes are lent to the connection; flush: everything is written */
    TSIO_IO_WAIT,   /* read: there are no bytes; flush: the peer has to read first */
    TSIO_IO_MORE,   /* flush: TSIO_FLUSH_ROUNDS were not enough; the connection is dirty again */
    TSIO_IO_EOF,    /* read: the peer has closed its side */
    TSIO_IO_BROKEN  /* errno */
} tsio_io_status;

/* Returns why the peer has hung up: TSIO_IO_EOF, or TSIO_IO_BROKEN with errno. Precondition: the
 * connection is in the reactor. */
tsio_io_status tsio_reactor_hang_up(const tsio_reactor *reactor, const tsio_conn *conn);

/* Reads once, and lends the bytes to the connection until the next call on the reactor. */
tsio_io_status tsio_reactor_read(tsio_reactor *reactor, tsio_conn *conn);

/* Writes the queued bytes of the connection, as many as the socket takes.
 *
 * Threads: this function and tsio_reactor_next_dirty() may run while another thread frees
 * connections that are in no reactor, which may share messages with this one. Both touch
 * the reactor, its connections with their fronts and outboxes, the references of messages
 * (message.h), which are counted atomically, and the allocator, which must be thread-safe.
 * They touch no timer wheel, no room, no chunk of fronts and no form of a message. */
tsio_io_status tsio_reactor_flush(tsio_reactor *reactor, tsio_front *front);

/* Takes the first connection off a dirty list of the reactor; NULL: the list is empty. */
tsio_front *tsio_reactor_next_dirty(tsio_reactor *reactor, tsio_link *list);

/* Begins a round. It ends when every connection that was dirty at its beginning was taken off
 * its list; connections that become dirty meanwhile do not prolong it. Precondition: there is no
 * round. A mark is appended to the bulk list. When the mark is first there, it moves to the end of
 * the urgent list, because connections may have moved there. When it is first there, the round
 * ends. O(1). */
void tsio_reactor_begin_round(tsio_reactor *reactor);

bool tsio_reactor_in_round(const tsio_reactor *reactor);

bool tsio_reactor_has_dirty(const tsio_reactor *reactor);

/* Handles that the peer has read: the next flush writes again. */
void tsio_reactor_unblock(tsio_conn *conn);

#endif
