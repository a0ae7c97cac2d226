/* server.h -- the limit servers: the benchmark application with no Socket.IO in it.
 * Packets are told apart by their first bytes, and their tails are copied as they
 * came. What this costs is what sockets cost; what a real server costs more is its own.
 *
 *     send        one send() per delivery
 *     coalesced   deliveries are collected per connection, and sent once per pass
 */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include "load/net.h"

typedef struct limit_server limit_server;
typedef struct limit_session limit_session;
typedef struct limit_room limit_room;

enum { ROOMS_MAX = 8192, ROOM_NAME_MAX = 63 };
#define NOWHERE SIZE_MAX

struct limit_session {
    net_conn conn; /* its owner is the session */
    limit_server *server;
    bool upgraded;
    uint8_t *packet;   /* a text message that waits for its attachment */
    size_t packet_len; /* 0: none does */
    size_t place;      /* in server.sessions, NOWHERE before the CONNECT */
    limit_room *room;  /* the one it joined last, NULL: none */
    size_t room_place; /* in room.members */
    limit_session *next_gone;
};

/* A growing array of sessions, in any order. */
typedef struct {
    limit_session **at;
    size_t count, capacity;
} session_list;

struct limit_room {
    uint8_t name[ROOM_NAME_MAX + 1];
    size_t name_len; /* 0: there is no room here */
    session_list members;
};

struct limit_server {
    bench_net net;
    net_conn listener;
    bool coalesced;
    session_list sessions;       /* joined to the main namespace */
    limit_room rooms[ROOMS_MAX]; /* by the hash of the name; the first empty one ends a search */
    limit_session *gone;         /* closed, to be freed after the pass */
    uint8_t *scratch;            /* a delivery being built */
    size_t scratch_capacity;
};

/* session.c: takes over an accepted connection. */
void session_start(limit_server *server, int fd);

/* session.c: frees the sessions that ended in this pass, of which events may have
 * been waiting until its end. */
void sessions_free_gone(limit_server *server);

/* deliver.c: the session joined the main namespace. */
void deliver_admit(limit_session *session);

/* deliver.c: a message came, with the attachment it announced or NULL. */
void deliver(limit_session *session, const uint8_t *text, size_t len, const uint8_t *attachment,
             size_t attachment_len);

/* deliver.c: forgets a session that ended. */
void deliver_forget(limit_session *session);

#endif
