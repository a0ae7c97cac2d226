/* rooms.h -- the members of each room, and broadcasts of one message to many members.
 *
 *     room     entries  [ front, member, seat ] [ ... ] [ ... ]     dense, in no order
 *                                |        |
 *     member   seats          [ room, at ] [ ... ]                   one for each room it is in
 *
 * Each entry has the index of its seat, and each seat the index of its entry. So
 * leaving a room is cheap: on both sides the last item takes the place of the removed
 * one. A broadcast walks over the entries and queues the message for each connection.
 * It allocates only what the outboxes need, makes no system call, and frees only
 * messages that a policy drops.
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
    uint32_t at; /* index in the room's entries */
} tsio_seat;

/* Zero-initialised with `conn`: in no room. The fields are public for reading. */
typedef struct tsio_member {
    tsio_conn *conn; /* borrowed; must exist as long as the member is in a room */
    tsio_seat *seats;
    uint32_t count, cap;
    struct tsio_member *next_full; /* next in the list `full` of a broadcast */
    void *owner;                   /* for the caller */
} tsio_member;

typedef struct {
    tsio_front *front; /* of the member's connection, so that a broadcast need not fetch the member */
    tsio_member *member;
    uint32_t seat; /* index in the member's seats */
} tsio_entry;

/* Zero-initialised: empty. */
struct tsio_room {
    tsio_entry *entries;
    uint32_t count, cap;
    void *owner; /* for the caller */
};

/* Adds the member to the room; does nothing if it is a member already. TSIO_E_NO_MEMORY leaves
 * both as they were. O(1) amortised, after a search in O(min(members of the room, rooms of the
 * member)). */
tsio_status tsio_room_join(tsio_room *room, tsio_member *member);

/* Removes the member from the room; false if it was no member. Costs as much as joining. */
bool tsio_room_leave(tsio_room *room, tsio_member *member);

bool tsio_room_has(const tsio_room *room, const tsio_member *member);

/* Removes the member from its last room and returns that room; NULL: it is in none. O(1). */
tsio_room *tsio_member_leave_one(tsio_member *member);

/* Makes broadcasts skip the member, and never touch its connection. The member stays in its rooms. */
void tsio_member_mute(tsio_member *member);

/* --- broadcasting --------------------------------------------------------- */

/* One broadcast. It stamps each connection that it visits with its epoch, and skips a
 * connection that has this stamp already, so that no connection gets the message twice.
 * `epoch` must not be 0, and must differ from that of every other broadcast to the same
 * connections. */
typedef struct {
    tsio_message *message;
    uint64_t epoch;
    uint32_t flags;      /* of tsio_conn_send() */
    uint32_t accepted;   /* how many connections accepted the message */
    tsio_link woken;     /* connections without dirty lists that accepted it */
    tsio_front *flushed; /* one of the connections with dirty lists that accepted it; NULL: none */
    tsio_member *full;   /* members with TSIO_E_OUTBOX_FULL: the caller disconnects them, or waits */
    tsio_status status;  /* TSIO_E_NO_MEMORY: there was no memory to queue it for at least one member */
} tsio_broadcast;

void tsio_broadcast_init(tsio_broadcast *broadcast, tsio_message *message, uint32_t flags, uint64_t epoch);

/* Exclude the members of a room, or one member, from the rest of the broadcast. O(entries). */
void tsio_broadcast_skip_room(tsio_broadcast *broadcast, const tsio_room *room);
void tsio_broadcast_skip_member(tsio_broadcast *broadcast, tsio_member *member);

/* Queue the message for the members of a room, or for one member, unless they are stamped. O(entries). */
void tsio_broadcast_to_room(tsio_broadcast *broadcast, const tsio_room *room);
void tsio_broadcast_to_member(tsio_broadcast *broadcast, tsio_member *member);

/* Takes the next connection off the list `woken`; NULL: the list is empty. */
tsio_conn *tsio_broadcast_next_woken(tsio_broadcast *broadcast);

#endif
