/* reactor_help.h -- helpers for the tests of the reactor: connections over pairs of local
 * sockets. The test uses the other socket of each pair as the client. */
#ifndef TSIO_REACTOR_HELP_H
#define TSIO_REACTOR_HELP_H

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc_help.h"
#include "reactor.h"
#include "ws_help.h"

enum { WIRE_BIG = 1 << 24 };

static tsio_reactor reactor;

/* A connection, its socket and the client's socket. */
typedef struct {
    tsio_conn conn;
    int fd, peer;
} wire;

static inline bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) != -1;
}

static inline void wire_make(wire *line)
{
    int ends[2];
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    line->fd = ends[0];
    line->peer = ends[1];
    CHECK_EQ(tsio_conn_init(&line->conn, WIRE_BIG, 100, 100000, WIRE_BIG, TSIO_POLICY_DISCONNECT), TSIO_OK);
    line->conn.open = true;
}

static inline void wire_open(wire *line)
{
    wire_make(line);
    CHECK_EQ(tsio_reactor_add(&reactor, &line->conn, line->fd), TSIO_OK);
    CHECK_EQ(tsio_reactor_generation(&reactor, &line->conn) % 2, 1); /* odd, unlike that of a free slot */
}

static inline void wire_hang_up(wire *line)
{
    CHECK_EQ(close(line->peer), 0);
    line->peer = -1;
}

static inline void wire_remove(wire *line)
{
    tsio_reactor_remove(&reactor, &line->conn);
    CHECK_EQ(line->conn.slot, TSIO_NO_SLOT);
    CHECK(line->conn.front->lists == NULL && line->conn.front->dirty.next == NULL);
}

static inline void wire_close(wire *line)
{
    wire_remove(line);
    tsio_conn_free(&line->conn);
    if (line->peer >= 0)
        wire_hang_up(line);
}

/* Queues a text message of the server. */
static inline void wire_queue(wire *line, const void *text, size_t len)
{
    tsio_message *message = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_text(message, 0, text, len), TSIO_OK);
    CHECK_EQ(tsio_conn_send(&line->conn, message, 0), TSIO_OK);
    tsio_message_unref(message);
}

/* Sends a frame of the client. */
static inline void wire_say(wire *line, uint8_t opcode, const char *payload)
{
    static ws_stream stream;
    stream.len = 0;
    ws_put_frame(&stream, true, opcode, payload, strlen(payload));
    CHECK_EQ(send(line->peer, stream.data, stream.len, MSG_NOSIGNAL), (ssize_t)stream.len);
}

/* Reads the bytes that have arrived at the client, at most `cap`, and returns how many. */
static inline size_t wire_arrived(wire *line, uint8_t *dst, size_t cap)
{
    size_t len = 0;
    while (len < cap) {
        const ssize_t got = recv(line->peer, dst + len, cap - len, MSG_DONTWAIT);
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    return len;
}

static inline void wire_check_arrived(wire *line, const void *expected, size_t expected_len)
{
    uint8_t bytes[256];
    CHECK_BYTES(bytes, wire_arrived(line, bytes, sizeof bytes), expected, expected_len);
}

/* Checks that the next event is this text message. */
static inline void wire_check_text(wire *line, const char *text)
{
    tsio_conn_event event;
    CHECK_EQ(tsio_conn_next(&line->conn, 0, &event), TSIO_OK);
    CHECK_EQ(event.kind, TSIO_CONN_TEXT);
    CHECK_BYTES(event.data, event.len, text, strlen(text));
}

static inline void wire_check_nothing(wire *line)
{
    tsio_conn_event event;
    CHECK_EQ(tsio_conn_next(&line->conn, 0, &event), TSIO_OK);
    CHECK_EQ(event.kind, TSIO_CONN_NEED_MORE);
}

/* Takes the next dirty connection in the order of a flush: urgent connections first. */
static inline tsio_conn *next_dirty(void)
{
    tsio_front *front = tsio_reactor_next_dirty(&reactor, &reactor.dirty.urgent);
    if (front == NULL)
        front = tsio_reactor_next_dirty(&reactor, &reactor.dirty.bulk);
    CHECK(front != NULL || !tsio_reactor_has_dirty(&reactor));
    return front != NULL ? front->conn : NULL;
}

/* Ends a pass, and overwrites the buffer, so that a later use of lent bytes is noticed. */
static inline void end_pass(void)
{
    tsio_reactor_end_pass(&reactor);
    memset(reactor.buffer, 0xdb, TSIO_READ_BYTES);
}

static inline void reactor_start(void)
{
    CHECK_EQ(tsio_reactor_init(&reactor), TSIO_OK);
}

static inline void reactor_finish(void)
{
    CHECK_EQ(reactor.count, 0);
    CHECK(!tsio_reactor_has_dirty(&reactor));
    tsio_reactor_free(&reactor);
    CHECK_EQ(alloc_live, 0);
}

/* Begins a pass, and checks that only this connection is ready. Does not end the pass. */
static inline void check_only_ready(const wire *line, bool readable, bool writable)
{
    tsio_ready ready;
    CHECK(tsio_reactor_begin_pass(&reactor) > 0);
    CHECK(tsio_reactor_next(&reactor, &ready));
    CHECK(tsio_reactor_conn(&reactor, ready.slot, ready.generation) == &line->conn);
    CHECK_EQ(ready.generation, tsio_reactor_generation(&reactor, &line->conn));
    CHECK_EQ(ready.readable, readable);
    CHECK_EQ(ready.writable, writable);
    CHECK(!tsio_reactor_next(&reactor, &ready));
}

/* Checks that epoll has no event, in a pass of its own. */
static inline void check_quiet(void)
{
    CHECK_EQ(tsio_reactor_begin_pass(&reactor), 0);
    end_pass();
}

/* How recv() and send() misbehave. */
typedef struct {
    size_t most;  /* limit of bytes in one call */
    int error;    /* the errno of a failed call; 0: no call fails */
    size_t every; /* each call whose number is a multiple of this fails */
    size_t calls;
} meanness;

static meanness mean_recv, mean_send;

static inline bool fails(meanness *mean)
{
    if (mean->error == 0 || ++mean->calls % mean->every != 0)
        return false;
    errno = mean->error;
    return true;
}

static inline ssize_t recv_meanly(int fd, void *buf, size_t len, int flags)
{
    CHECK((flags & MSG_DONTWAIT) != 0);
    return fails(&mean_recv) ? -1 : recv(fd, buf, len < mean_recv.most ? len : mean_recv.most, flags);
}

static inline ssize_t send_meanly(int fd, const void *buf, size_t len, int flags)
{
    CHECK(len > 0 && (flags & MSG_DONTWAIT) != 0 && (flags & MSG_NOSIGNAL) != 0);
    return fails(&mean_send) ? -1 : send(fd, buf, len < mean_send.most ? len : mean_send.most, flags);
}

/* Makes recv() and send() misbehave in the same way from now on. */
static inline void be_mean(size_t most, int error, size_t every)
{
    mean_recv = mean_send = (meanness){.most = most, .error = error, .every = every};
    tsio_io = (tsio_io_hook){recv_meanly, send_meanly};
}

#endif
