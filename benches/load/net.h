/* net.h -- TCP connections under one epoll: what is below both the generator's
 * clients and the limit servers.
 *
 *            recv                     received(): whole frames are used,
 *     fd ----------> net.buffer ----> the rest is kept in conn.tail
 *            send
 *     fd <---------- conn.out <------ net_write(): collected until the next flush
 *
 * All connections share one receive buffer. A connection holds memory of its own
 * only for a frame that came in part, and for what waits to be sent. */
#ifndef BENCH_NET_H
#define BENCH_NET_H

#include <netinet/in.h>
#include <sys/types.h>

#include "csrc/base.h"

typedef struct bench_net bench_net;
typedef struct net_conn net_conn;

typedef struct {
    /* Bytes came: `data` is lent and may be written to. Returns how many are used;
     * the others are handed out again, with more behind them. */
    size_t (*received)(net_conn *conn, uint8_t *data, size_t len);
    /* The peer ended it (`error` 0) or it failed (an errno). Already closed here. */
    void (*closed)(net_conn *conn, int error);
    /* Set for what is no stream of bytes (a listener, stdin): called instead of
     * all others whenever `fd` is readable. */
    void (*ready)(net_conn *conn);
} net_handler;

/* A layer between the connections and their descriptors, such as TLS. Its functions take what open()
 * returned. recv() and send() return what those of the system do; send() also sets EALREADY: then
 * something must be received first. */
typedef struct {
    void *(*open)(int fd);
    ssize_t (*recv)(void *session, void *data, size_t len);
    ssize_t (*send)(void *session, const void *data, size_t len);
    void (*free)(void *session);
} net_wire;

/* Zero is a valid initial state, but for `fd`, which must be -1. */
struct net_conn {
    int fd; /* -1 when closed */
    bool connecting;
    bool blocked; /* the kernel takes no more: EPOLLOUT is awaited */
    bool dirty;   /* in net.dirty */
    uint8_t *tail, *out;
    size_t tail_len, tail_capacity;
    size_t out_pos, out_len, out_capacity;
    net_conn *next_dirty;
    bench_net *net;
    const net_handler *handler;
    void *owner; /* the handler's */
    void *session; /* of net.wire, NULL: none */
};

struct bench_net {
    int epoll_fd;
    bool eager; /* flush after each connection's bytes; otherwise once after each pass */
    uint64_t now_ns; /* when the bytes being handled came */
    uint8_t *buffer;
    size_t buffer_size;
    net_conn *dirty;
    const net_wire *wire; /* of new connections, NULL: none */
};

/* `largest` is the largest unit that received() must see whole before it uses it. */
void net_init(bench_net *net, size_t largest, bool eager);

/* Handles what is ready, waiting for it at most `timeout_ms` (-1: for ever), and
 * flushes. */
void net_pass(bench_net *net, int timeout_ms);

/* Begins to connect; `source` (NULL: any) is the address to connect from. What is
 * written before the connection stands is sent then. `conn` must be closed; its
 * buffers are used again. */
void net_connect(bench_net *net, net_conn *conn, const struct sockaddr_in *to, const struct sockaddr_in *source);

/* Takes over an open descriptor. False if epoll cannot watch it (a plain file). */
bool net_adopt(bench_net *net, net_conn *conn, int fd);

/* Stops watching; the descriptor stays open. */
void net_release(net_conn *conn);

/* Room for `len` bytes at the end of what is to be sent; net_commit sends the
 * first `len` of them with the next flush. On a closed connection the bytes go nowhere. */
uint8_t *net_reserve(net_conn *conn, size_t len);
void net_commit(net_conn *conn, size_t len);
void net_write(net_conn *conn, const void *data, size_t len);

/* Sends what waits, as far as the kernel takes it. */
void net_flush(net_conn *conn);

/* Closes without a call to closed(); with `reset`, by RST, which leaves no TIME_WAIT
 * behind. Nothing happens if it is closed. */
void net_close(net_conn *conn, bool reset);

/* The same, and frees the buffers. */
void net_free(net_conn *conn);

#endif
