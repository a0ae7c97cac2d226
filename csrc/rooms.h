/* rooms.h -- which members are in which room, and sending one message to many.
 *
 *     room     entries  [ front, member, seat ] [ ... ] [ ... ]     dense, in no order
 *                                |        |
 *     member   seats          [ room, at ] [ ... ]                   one for each room it is in
 *
 * Each entry knows the member's seat for it and each seat its entry, so that
 * leaving is a swap with the last one on both sides. Broadcasting walks over the
 * entries and appends the message to each connection's outbox: no allocation but
 * the outbox's own, no system call, nothing freed but messages a policy drops.
 *
 * Not thread-safe. Members and rooms are part of the caller's objects and must not
 * be moved.
 */
#ifndef TSIO_ROOMS_H
#define TSIO_ROOMS_H

#include "conn.h"

typedef struct tsio_room tsio_room;

typedef struct {
    tsio_room *room;
    uint32_t at; /* of the room's entries */
} tsio_seat;

/* Zero-initialised with `conn`: in no room. The fields are public for reading. */
typedef struct tsio_member {
    tsio_conn *conn; /* the caller's; must live as long as the member is in a room */
    tsio_seat *seats;
    uint32_t count, cap;
    struct tsio_member *next_full; /* in a broadcast's list */
    void *owner;                   /* the caller's own */
} tsio_member;

typedef struct {
    tsio_front *front; /* of the member's connection, so that a broadcast need not look there */
    tsio_member *member;
    uint32_t seat;
} tsio_entry;

/* Zero-initialised: empty. */
struct tsio_room {
    tsio_entry *entries;
    uint32_t count, cap;
    void *owner; /* the caller's own */
};

/* Puts the member in; nothing happens if it is in already. TSIO_E_NO_MEMORY leaves
 * both as they were. O(1) amortised, but for finding out whether it is in: O(the
 * smaller one of the room's members and the member's rooms). */
tsio_status tsio_room_join(tsio_room *room, tsio_member *member);

/* Takes the member out; false if it was not in. Costs as much as joining. */
bool tsio_room_leave(tsio_room *room, tsio_member *member);

bool tsio_room_has(const tsio_room *room, const tsio_member *member);

/* Takes the member out of its last room and returns that; NULL: it is in none. O(1). */
tsio_room *tsio_member_leave_one(tsio_member *member);

/* From now on no broadcast reaches the member, nor touches its connection; it stays in its rooms. */
void tsio_member_mute(tsio_member *member);

/* --- broadcasting --------------------------------------------------------- */

/* One broadcast. `epoch` differs from that of every other broadcast to the same
 * connections, and is not 0: a connection stamped with it is skipped, so that no
 * connection gets the message twice. */
typedef struct {
    tsio_message *message;
    uint64_t epoch;
    uint32_t flags;      /* of tsio_conn_send() */
    uint32_t accepted;   /* how many outboxes took it */
    tsio_link woken;     /* connections that have no dirty lists, and took it */
    tsio_front *flushed; /* one of those that have some and took it; NULL: none */
    tsio_member *full;   /* those whose outbox is full, and whose policy leaves it to the caller */
    tsio_status status;  /* TSIO_E_NO_MEMORY: not queued for one member or more, for want of memory */
} tsio_broadcast;

void tsio_broadcast_init(tsio_broadcast *broadcast, tsio_message *message, uint32_t flags, uint64_t epoch);

/* Excludes the members of a room, or one member, from now on. O(entries). */
void tsio_broadcast_skip_room(tsio_broadcast *broadcast, const tsio_room *room);
void tsio_broadcast_skip_member(tsio_broadcast *broadcast, tsio_member *member);

/* Queues the message for the members of a room, or for one member, unless stamped. O(entries). */
void tsio_broadcast_to_room(tsio_broadcast *broadcast, const tsio_room *room);
void tsio_broadcast_to_member(tsio_broadcast *broadcast, tsio_member *member);

/* The connections of `woken`, one after the other, each taken off; then NULL. */
tsio_conn *tsio_broadcast_next_woken(tsio_broadcast *broadcast);

#endif
