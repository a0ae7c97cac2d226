/* Rooms against a slow and obvious model: a matrix of who is where. */
#include "alloc_help.h"
#include "rooms.h"

enum { ROOMS = 9, MEMBERS = 60, BIG = 1 << 20 };

static check_rng rng = {11};
static tsio_room rooms[ROOMS];
static tsio_member members[MEMBERS];
static tsio_conn conns[MEMBERS];
static tsio_dirty_lists lists = {{&lists.urgent, &lists.urgent}, {&lists.bulk, &lists.bulk}};
static struct {
    bool in[ROOMS][MEMBERS], muted[MEMBERS];
} model;

static bool one_in(size_t bound)
{
    return check_below(&rng, bound) == 0;
}

/* --- membership ------------------------------------------------------------- */

static void check_rooms(void)
{
    for (size_t r = 0; r < ROOMS; r++) {
        const tsio_room *room = &rooms[r];
        uint32_t count = 0;
        for (size_t m = 0; m < MEMBERS; m++) {
            count += model.in[r][m];
            CHECK_EQ(tsio_room_has(room, &members[m]), model.in[r][m]);
        }
        CHECK_EQ(room->count, count);
        CHECK_EQ(room->cap == 0, count == 0);
        CHECK_EQ(room->entries == NULL, count == 0);
        CHECK(count <= room->cap && (room->cap < 16 || count > room->cap / 4));
        for (uint32_t at = 0; at < count; at++) {
            const tsio_entry *entry = &room->entries[at];
            CHECK(entry->front == entry->member->conn->front);
            CHECK(entry->member->seats[entry->seat].room == room);
            CHECK_EQ(entry->member->seats[entry->seat].at, at);
        }
    }
}

static void check_members(void)
{
    for (size_t m = 0; m < MEMBERS; m++) {
        const tsio_member *member = &members[m];
        uint32_t count = 0;
        for (size_t r = 0; r < ROOMS; r++)
            count += model.in[r][m];
        CHECK_EQ(member->count, count);
        CHECK_EQ(member->seats == NULL, count == 0);
        CHECK(count <= member->cap);
        CHECK_EQ(member->conn == &conns[m], !model.muted[m]);
        for (uint32_t seat = 0; seat < count; seat++) {
            const tsio_entry *entry = &member->seats[seat].room->entries[member->seats[seat].at];
            CHECK(entry->member == member);
            CHECK_EQ(entry->seat, seat);
        }
    }
}

static void change_membership(size_t eagerness)
{
    const size_t r = check_below(&rng, ROOMS), m = check_below(&rng, MEMBERS);
    if (check_below(&rng, 10) < eagerness) {
        CHECK_EQ(tsio_room_join(&rooms[r], &members[m]), TSIO_OK);
        model.in[r][m] = true;
    } else if (one_in(3)) {
        const bool was_in_one = members[m].count > 0;
        const tsio_room *left = tsio_member_leave_one(&members[m]);
        CHECK_EQ(left != NULL, was_in_one);
        if (left != NULL) {
            CHECK(model.in[left - rooms][m]);
            model.in[left - rooms][m] = false;
        }
    } else {
        CHECK_EQ(tsio_room_leave(&rooms[r], &members[m]), model.in[r][m]);
        model.in[r][m] = false;
    }
    if (one_in(100)) {
        tsio_member_mute(&members[m]);
        model.muted[m] = true;
    } else if (members[m].count == 0) {
        members[m].conn = &conns[m]; /* a new one */
        model.muted[m] = false;
    }
}

/* --- broadcasting ------------------------------------------------------------- */

typedef enum { NOTHING, ACCEPTS, FULL } verdict;

static verdict judge(const tsio_conn *conn, const tsio_message *message, uint32_t flags)
{
    const bool is_volatile = (flags & TSIO_SEND_VOLATILE) != 0;
    if (!conn->open || (is_volatile && !tsio_conn_is_writable(conn)))
        return NOTHING;
    if (conn->outbox.policy == TSIO_POLICY_DROP_OLDEST || tsio_outbox_has_room(&conn->outbox, tsio_message_bytes(message)))
        return ACCEPTS;
    return conn->outbox.policy == TSIO_POLICY_BLOCK && !is_volatile ? FULL : NOTHING;
}

static void shuffle_connections(void)
{
    for (size_t m = 0; m < MEMBERS; m++) {
        conns[m].open = !one_in(10);
        conns[m].poll_waits = one_in(2);
        conns[m].front->lists = one_in(2) ? &lists : NULL;
        if (one_in(3))
            tsio_outbox_free(&conns[m].outbox);
    }
}

/* The members selected: those in one of some rooms or named, without those in one of other rooms or named. */
static void address(tsio_broadcast *broadcast, bool *wanted)
{
    bool skipped[MEMBERS] = {false};
    for (size_t i = check_below(&rng, 3); i-- > 0;) {
        const size_t r = check_below(&rng, ROOMS), named = check_below(&rng, MEMBERS);
        tsio_broadcast_skip_room(broadcast, &rooms[r]);
        tsio_broadcast_skip_member(broadcast, &members[named]);
        skipped[named] = true;
        for (size_t m = 0; m < MEMBERS; m++)
            skipped[m] |= model.in[r][m];
    }
    for (size_t i = check_below(&rng, 4); i-- > 0;) {
        const size_t r = check_below(&rng, ROOMS), named = check_below(&rng, MEMBERS);
        tsio_broadcast_to_room(broadcast, &rooms[r]);
        tsio_broadcast_to_member(broadcast, &members[named]);
        wanted[named] = true;
        for (size_t m = 0; m < MEMBERS; m++)
            wanted[m] |= model.in[r][m];
    }
    for (size_t m = 0; m < MEMBERS; m++)
        wanted[m] = wanted[m] && !skipped[m] && !model.muted[m];
}

static bool take_from(tsio_member **list, const tsio_member *member)
{
    while (*list != NULL && *list != member)
        list = &(*list)->next_full;
    if (*list == NULL)
        return false;
    *list = member->next_full;
    return true;
}

static void check_delivery(tsio_broadcast *broadcast, const verdict *expected, const uint64_t *pushed)
{
    uint32_t accepted = 0;
    bool woken[MEMBERS] = {false}, flushed = false;
    for (tsio_conn *conn; (conn = tsio_broadcast_next_woken(broadcast)) != NULL;) {
        CHECK(!woken[conn - conns]);
        woken[conn - conns] = true;
    }
    for (size_t m = 0; m < MEMBERS; m++) {
        const bool accepts = expected[m] == ACCEPTS, listed = conns[m].front->lists != NULL;
        CHECK_EQ(conns[m].outbox.pushed - pushed[m], accepts);
        CHECK_EQ(woken[m], accepts && !listed);
        CHECK_EQ(conns[m].front->dirty.next != NULL, accepts && listed);
        CHECK_EQ(take_from(&broadcast->full, &members[m]), expected[m] == FULL);
        accepted += accepts;
        flushed |= accepts && listed;
        tsio_front_unlink(conns[m].front);
    }
    CHECK_EQ(broadcast->accepted, accepted);
    CHECK_EQ(broadcast->flushed != NULL, flushed);
    CHECK(!flushed || expected[broadcast->flushed->conn - conns] == ACCEPTS);
    CHECK(broadcast->full == NULL && lists.urgent.next == &lists.urgent && lists.bulk.next == &lists.bulk);
    CHECK_EQ(broadcast->status, TSIO_OK);
}

static void send_one(void)
{
    static uint64_t epoch;
    const uint32_t flags = one_in(3) ? TSIO_SEND_VOLATILE : 0;
    tsio_broadcast broadcast;
    verdict expected[MEMBERS];
    uint64_t pushed[MEMBERS];
    bool wanted[MEMBERS] = {false};
    tsio_message *message = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_text(message, '4', BYTES("2")), TSIO_OK);
    shuffle_connections();
    for (size_t m = 0; m < MEMBERS; m++) {
        expected[m] = judge(&conns[m], message, flags);
        pushed[m] = conns[m].outbox.pushed;
    }
    tsio_broadcast_init(&broadcast, message, flags, ++epoch);
    address(&broadcast, wanted);
    for (size_t m = 0; m < MEMBERS; m++)
        if (!wanted[m])
            expected[m] = NOTHING;
    tsio_message_unref(message);
    check_delivery(&broadcast, expected, pushed);
}

int main(void)
{
    static const tsio_policy policies[] = {TSIO_POLICY_BLOCK, TSIO_POLICY_DROP_OLDEST, TSIO_POLICY_DROP_NEWEST};
    alloc_install();
    for (size_t m = 0; m < MEMBERS; m++) {
        tsio_conn_init(&conns[m], BIG, 100, 1 + (uint32_t)check_below(&rng, 3), BIG, policies[m % 3]);
        members[m].conn = &conns[m];
    }
    for (unsigned i = 0; i < 20000; i++) {
        change_membership(3 + i / 1000 % 4); /* the tide comes in and goes out */
        if (i % 8 == 0) {
            check_rooms();
            check_members();
            send_one();
        }
    }
    for (size_t m = 0; m < MEMBERS; m++) {
        while (tsio_member_leave_one(&members[m]) != NULL)
            ;
        tsio_conn_free(&conns[m]);
    }
    CHECK_EQ(alloc_live, 0);
    return check_done("rooms_model");
}
