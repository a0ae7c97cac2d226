#include "rooms.h"

enum {
    NOT_IN = UINT32_MAX,
    AHEAD = 48 /* a front is prefetched this many entries before its turn */
};

/* --- membership ----------------------------------------------------------- */

/* Returns the member's seat in the room, or NOT_IN. Searches the shorter one of the member's seats and the room's
 * entries. */
static uint32_t find_seat(const tsio_room *room, const tsio_member *member)
{
    if (member->count <= room->count) {
        for (uint32_t seat = 0; seat < member->count; seat++)
            if (member->seats[seat].room == room)
                return seat;
    } else {
        for (uint32_t at = 0; at < room->count; at++)
            if (room->entries[at].member == member)
                return room->entries[at].seat;
    }
    return NOT_IN;
}

bool tsio_room_has(const tsio_room *room, const tsio_member *member)
{
    return find_seat(room, member) != NOT_IN;
}

/* Reallocates `*items` to `cap` items of `size` bytes each. */
static bool resize(void **items, uint32_t cap, size_t size)
{
    void *resized = tsio_alloc.realloc(*items, cap * size);
    if (resized == NULL)
        return false;
    *items = resized;
    return true;
}

static uint32_t larger(uint32_t cap, uint32_t first)
{
    return cap == 0 ? first : cap <= UINT32_MAX / 2 / sizeof(tsio_entry) ? 2 * cap : 0;
}

static bool reserve_entry(tsio_room *room)
{
    if (room->count < room->cap)
        return true;
    const uint32_t cap = larger(room->cap, 4);
    void *entries = room->entries;
    if (cap == 0 || !resize(&entries, cap, sizeof(tsio_entry)))
        return false;
    room->entries = entries;
    room->cap = cap;
    return true;
}

static bool reserve_seat(tsio_member *member)
{
    if (member->count < member->cap)
        return true;
    const uint32_t cap = larger(member->cap, 1);
    void *seats = member->seats;
    if (cap == 0 || !resize(&seats, cap, sizeof(tsio_seat)))
        return false;
    member->seats = seats;
    member->cap = cap;
    return true;
}

static void free_seats_if_none(tsio_member *member)
{
    if (member->count > 0)
        return;
    tsio_alloc.free(member->seats);
    member->seats = NULL;
    member->cap = 0;
}

tsio_status tsio_room_join(tsio_room *room, tsio_member *member)
{
    if (tsio_room_has(room, member))
        return TSIO_OK;
    if (!reserve_seat(member))
        return TSIO_E_NO_MEMORY;
    if (!reserve_entry(room)) {
        free_seats_if_none(member);
        return TSIO_E_NO_MEMORY;
    }
    room->entries[room->count] = (tsio_entry){.front = member->conn->front, .member = member, .seat = member->count};
    member->seats[member->count++] = (tsio_seat){.room = room, .at = room->count++};
    return TSIO_OK;
}

/* Halves the memory when a quarter of it is enough. A failure is harmless: the room keeps its memory. */
static void shrink_room(tsio_room *room)
{
    void *entries = room->entries;
    if (room->count == 0) {
        tsio_alloc.free(room->entries);
        room->entries = NULL;
        room->cap = 0;
    } else if (room->cap >= 16 && room->count <= room->cap / 4 && resize(&entries, room->cap / 2, sizeof(tsio_entry))) {
        room->entries = entries;
        room->cap /= 2;
    }
}

static void remove_entry(tsio_room *room, uint32_t at)
{
    const tsio_entry last = room->entries[--room->count];
    if (at < room->count) {
        room->entries[at] = last;
        last.member->seats[last.seat].at = at;
    }
    shrink_room(room);
}

static void remove_seat(tsio_member *member, uint32_t seat)
{
    const tsio_seat last = member->seats[--member->count];
    if (seat < member->count) {
        member->seats[seat] = last;
        last.room->entries[last.at].seat = seat;
    }
    free_seats_if_none(member);
}

bool tsio_room_leave(tsio_room *room, tsio_member *member)
{
    const uint32_t seat = find_seat(room, member);
    if (seat == NOT_IN)
        return false;
    remove_entry(room, member->seats[seat].at);
    remove_seat(member, seat);
    return true;
}

tsio_room *tsio_member_leave_one(tsio_member *member)
{
    if (member->count == 0)
        return NULL;
    const tsio_seat last = member->seats[member->count - 1];
    remove_entry(last.room, last.at);
    remove_seat(member, member->count - 1);
    return last.room;
}

/* A connection that is never open, in place of the connection of muted members. */
static tsio_conn muted_conn;
static tsio_front muted_front = {.conn = &muted_conn};
static tsio_conn muted_conn = {.front = &muted_front};

void tsio_member_mute(tsio_member *member)
{
    member->conn = &muted_conn;
    for (uint32_t seat = 0; seat < member->count; seat++)
        member->seats[seat].room->entries[member->seats[seat].at].front = &muted_front;
}

/* --- broadcasting --------------------------------------------------------- */

void tsio_broadcast_init(tsio_broadcast *broadcast, tsio_message *message, uint32_t flags, uint64_t epoch)
{
    *broadcast = (tsio_broadcast){.message = message, .flags = flags | TSIO_SEND_BULK, .epoch = epoch};
    broadcast->woken = (tsio_link){&broadcast->woken, &broadcast->woken};
}

void tsio_broadcast_skip_member(tsio_broadcast *broadcast, tsio_member *member)
{
    member->conn->front->stamp = broadcast->epoch;
}

void tsio_broadcast_skip_room(tsio_broadcast *broadcast, const tsio_room *room)
{
    for (uint32_t at = 0; at < room->count; at++)
        room->entries[at].front->stamp = broadcast->epoch;
}

/* Sends to a connection that is not on the fast path, or has a waiting message already. */
static void send_slowly(tsio_broadcast *broadcast, tsio_front *front, tsio_member *member)
{
    const tsio_status status = tsio_conn_send(front->conn, broadcast->message, broadcast->flags);
    if (status == TSIO_OK) {
        broadcast->accepted++;
        if (front->lists != NULL)
            broadcast->flushed = front;
        else if (front->dirty.next == NULL)
            tsio_front_link(front, &broadcast->woken);
    } else if (status == TSIO_E_OUTBOX_FULL) {
        member->next_full = broadcast->full;
        broadcast->full = member;
    } else if (status == TSIO_E_NO_MEMORY) {
        broadcast->status = status;
    }
}

static void send_to(tsio_broadcast *broadcast, tsio_front *front, tsio_member *member)
{
    if (front->stamp == broadcast->epoch)
        return;
    front->stamp = broadcast->epoch;
    if (!tsio_front_put(front, broadcast->message, broadcast->flags)) {
        send_slowly(broadcast, front, member);
        return;
    }
    broadcast->accepted++;
    broadcast->flushed = front;
}

void tsio_broadcast_to_member(tsio_broadcast *broadcast, tsio_member *member)
{
    send_to(broadcast, member->conn->front, member);
}

void tsio_broadcast_to_room(tsio_broadcast *broadcast, const tsio_room *room)
{
    for (uint32_t at = 0; at < room->count; at++) {
        if (at + AHEAD < room->count) {
            const tsio_front *ahead = room->entries[at + AHEAD].front;
            __builtin_prefetch(ahead, 1);
            room->entries[at].front->ahead = ahead;
        }
        send_to(broadcast, room->entries[at].front, room->entries[at].member);
    }
}

tsio_conn *tsio_broadcast_next_woken(tsio_broadcast *broadcast)
{
    tsio_link *link = broadcast->woken.next;
    if (link == &broadcast->woken)
        return NULL;
    tsio_front *front = tsio_front_of_link(link);
    tsio_front_unlink(front);
    return front->conn;
}
