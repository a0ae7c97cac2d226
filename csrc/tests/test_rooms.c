/* Rooms: memory, and who gets what of one broadcast. Random ones are in test_rooms_model.c. */
#include "alloc_help.h"
#include "rooms.h"

enum { BIG = 1 << 20, CROWD = 100 };

static tsio_conn conns[CROWD];
static tsio_member members[CROWD];
static tsio_room room, other;
static tsio_message *message;
static uint64_t epoch;

static void start(tsio_policy policy, uint32_t max_packets)
{
    room = other = (tsio_room){0};
    for (unsigned i = 0; i < CROWD; i++) {
        tsio_conn_init(&conns[i], BIG, 100, max_packets, BIG, policy);
        conns[i].open = true;
        members[i] = (tsio_member){.conn = &conns[i]};
    }
    message = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_text(message, '4', BYTES("2[\"x\"]")), TSIO_OK);
}

static void finish(void)
{
    for (unsigned i = 0; i < CROWD; i++) {
        while (tsio_member_leave_one(&members[i]) != NULL)
            ;
        tsio_conn_free(&conns[i]);
    }
    CHECK(room.entries == NULL && other.entries == NULL);
    CHECK_EQ(message->refs, 1);
    tsio_message_unref(message);
    CHECK_EQ(alloc_live, 0);
}

static void join_all(tsio_room *where)
{
    for (unsigned i = 0; i < CROWD; i++)
        CHECK_EQ(tsio_room_join(where, &members[i]), TSIO_OK);
}

static tsio_broadcast *begin(uint32_t flags)
{
    static tsio_broadcast broadcast;
    tsio_broadcast_init(&broadcast, message, flags, ++epoch);
    return &broadcast;
}

static size_t take_woken(tsio_broadcast *broadcast)
{
    size_t count = 0;
    for (tsio_conn *conn; (conn = tsio_broadcast_next_woken(broadcast)) != NULL; count++)
        CHECK(conn->front->lists == NULL && conn->front->dirty.next == NULL && conn->outbox.count > 0);
    return count;
}

/* --- membership ------------------------------------------------------------ */

static void joining_and_leaving_twice_is_once(void)
{
    start(TSIO_POLICY_BLOCK, 10);
    CHECK(!tsio_room_has(&room, &members[0]));
    CHECK(!tsio_room_leave(&room, &members[0]));
    CHECK(tsio_member_leave_one(&members[0]) == NULL);
    for (unsigned i = 0; i < 2; i++)
        CHECK_EQ(tsio_room_join(&room, &members[0]), TSIO_OK);
    CHECK_EQ(room.count, 1);
    CHECK_EQ(members[0].count, 1);
    CHECK(tsio_room_leave(&room, &members[0]));
    CHECK(!tsio_room_leave(&room, &members[0]));
    CHECK(room.entries == NULL && members[0].seats == NULL);
    finish();
}

static void a_room_that_empties_gives_memory_back(void)
{
    start(TSIO_POLICY_BLOCK, 10);
    join_all(&room);
    const uint32_t largest = room.cap;
    for (unsigned i = CROWD; i-- > 10;)
        CHECK(tsio_room_leave(&room, &members[i]));
    CHECK(room.cap <= largest / 4 && room.cap >= room.count);
    alloc_fail(1, true); /* no smaller block can be had: it keeps the larger one */
    const uint32_t kept = room.cap;
    for (unsigned i = 10; i-- > 1;)
        CHECK(tsio_room_leave(&room, &members[i]));
    CHECK(alloc_heal());
    CHECK_EQ(room.cap, kept);
    CHECK(tsio_room_has(&room, &members[0]));
    finish();
}

/* Whichever allocation fails, no member is half in a room, and no memory is held for it. */
static void join_without_memory_changes_nothing(void)
{
    size_t n = 1;
    for (bool hit = true; hit; n++) {
        start(TSIO_POLICY_BLOCK, 10);
        alloc_fail(n, false);
        for (unsigned i = 0; i < CROWD; i++) {
            tsio_member *member = &members[i];
            const size_t live = alloc_live;
            if (tsio_room_join(&room, member) == TSIO_OK)
                continue;
            CHECK(alloc_heal());
            CHECK(!tsio_room_has(&room, member) && member->count == 0 && room.count == i);
            CHECK_EQ(alloc_live, live);
            CHECK_EQ(tsio_room_join(&room, member), TSIO_OK);
        }
        CHECK_EQ(room.count, CROWD);
        hit = n < alloc_calls;
        alloc_heal();
        finish();
    }
    CHECK(n > CROWD);
}

/* --- broadcasting ----------------------------------------------------------- */

static void everybody_gets_it_once(void)
{
    start(TSIO_POLICY_BLOCK, 10);
    join_all(&room);
    for (unsigned i = 0; i < CROWD / 2; i++)
        tsio_room_join(&other, &members[i]);
    tsio_broadcast *broadcast = begin(0);
    tsio_broadcast_to_room(broadcast, &other);
    tsio_broadcast_to_room(broadcast, &room);
    tsio_broadcast_to_room(broadcast, &room);
    tsio_broadcast_to_member(broadcast, &members[7]);
    CHECK_EQ(broadcast->accepted, CROWD);
    CHECK(broadcast->full == NULL && broadcast->flushed == NULL && broadcast->status == TSIO_OK);
    CHECK_EQ(take_woken(broadcast), CROWD);
    for (unsigned i = 0; i < CROWD; i++)
        CHECK_EQ(conns[i].outbox.pushed, 1);
    broadcast = begin(0); /* the stamps of the last one are nothing to this one */
    tsio_broadcast_skip_room(broadcast, &other);
    tsio_broadcast_skip_member(broadcast, &members[CROWD - 1]);
    tsio_broadcast_to_room(broadcast, &room);
    CHECK_EQ(broadcast->accepted, CROWD - CROWD / 2 - 1);
    CHECK_EQ(take_woken(broadcast), CROWD - CROWD / 2 - 1);
    CHECK_EQ(conns[0].outbox.pushed, 1);
    CHECK_EQ(conns[CROWD - 1].outbox.pushed, 1);
    finish();
}

static void the_muted_are_not_touched(void)
{
    start(TSIO_POLICY_BLOCK, 10);
    join_all(&room);
    tsio_member_mute(&members[3]);
    tsio_room_join(&other, &members[3]); /* one can still move about */
    tsio_conn_free(&conns[3]);
    memset(&conns[3], ALLOC_POISON, sizeof conns[3]);
    const tsio_conn before = conns[3];
    tsio_broadcast *broadcast = begin(0);
    tsio_broadcast_skip_member(broadcast, &members[3]);
    tsio_broadcast_skip_room(broadcast, &other);
    tsio_broadcast_to_room(broadcast, &room);
    CHECK_EQ(broadcast->accepted, CROWD - 1);
    broadcast = begin(0);
    tsio_broadcast_to_member(broadcast, &members[3]);
    tsio_broadcast_to_room(broadcast, &other);
    CHECK_EQ(broadcast->accepted, 0);
    CHECK(broadcast->full == NULL);
    CHECK(check_same(&before, &conns[3], sizeof before));
    CHECK(tsio_room_has(&room, &members[3]) && tsio_room_has(&other, &members[3]));
    tsio_conn_init(&conns[3], BIG, 1, 1, BIG, TSIO_POLICY_BLOCK);
    finish();
}

static void who_has_a_list_is_put_there(void)
{
    tsio_dirty_lists lists = {{&lists.urgent, &lists.urgent}, {&lists.bulk, &lists.bulk}};
    start(TSIO_POLICY_BLOCK, 10);
    join_all(&room);
    for (unsigned i = 0; i < 4; i++)
        conns[i].front->lists = &lists;
    conns[2].blocked = true;
    CHECK_EQ(tsio_conn_send(&conns[3], message, 0), TSIO_OK);
    tsio_broadcast *broadcast = begin(0);
    tsio_broadcast_to_room(broadcast, &room);
    CHECK_EQ(broadcast->accepted, CROWD);
    CHECK(broadcast->flushed != NULL && broadcast->flushed->lists == &lists);
    CHECK(tsio_front_of_link(lists.bulk.next) == conns[0].front);
    CHECK(tsio_front_of_link(lists.bulk.prev) == conns[1].front); /* the blocked one is in none */
    CHECK(tsio_front_of_link(lists.urgent.next) == conns[3].front); /* where it was */
    CHECK_EQ(take_woken(broadcast), CROWD - 4);
    CHECK_EQ(conns[2].outbox.count, 1);
    finish();
    CHECK(lists.urgent.next == &lists.urgent && lists.bulk.next == &lists.bulk);
}

static size_t count_full(const tsio_broadcast *broadcast)
{
    size_t count = 0;
    for (const tsio_member *member = broadcast->full; member != NULL; member = member->next_full)
        count++;
    return count;
}

static void the_full_are_left_to_the_caller(void)
{
    start(TSIO_POLICY_DISCONNECT, 1);
    join_all(&room);
    for (unsigned round = 0; round < 3; round++) { /* what stands in next_full from before does not matter */
        tsio_broadcast *broadcast = begin(0);
        tsio_broadcast_to_room(broadcast, &room);
        tsio_broadcast_to_room(broadcast, &room);
        CHECK_EQ(broadcast->accepted, round == 0 ? CROWD : 0);
        CHECK_EQ(count_full(broadcast), round == 0 ? 0 : CROWD);
    }
    tsio_broadcast *broadcast = begin(TSIO_SEND_VOLATILE);
    for (unsigned i = 0; i < CROWD; i++)
        conns[i].poll_waits = true;
    tsio_broadcast_to_room(broadcast, &room);
    CHECK(broadcast->accepted == 0 && broadcast->full == NULL);
    CHECK_EQ(conns[5].volatile_lost, 1);
    finish();
}

/* Exactly the members whose outbox gets no memory miss the message. */
static void broadcast_without_memory_goes_on(void)
{
    for (unsigned rest = 0; rest < 2; rest++) {
        for (unsigned n = 1; n <= CROWD; n += 11) {
            start(TSIO_POLICY_BLOCK, 10);
            join_all(&room);
            tsio_broadcast *broadcast = begin(0); /* a first message takes no memory */
            tsio_broadcast_to_room(broadcast, &room);
            CHECK_EQ(take_woken(broadcast), CROWD);
            broadcast = begin(0);
            alloc_fail(n, rest != 0);
            tsio_broadcast_to_room(broadcast, &room);
            CHECK(alloc_heal());
            CHECK_EQ(broadcast->status, TSIO_E_NO_MEMORY);
            CHECK_EQ(broadcast->accepted, rest != 0 ? n - 1 : CROWD - 1);
            CHECK_EQ(take_woken(broadcast), broadcast->accepted);
            finish();
        }
    }
}

/* Four kinds of clients, and however many there are of each: every form is made once. */
static void each_form_is_made_once(void)
{
    static const tsio_dialect typed = {.revision = 3}, base64 = {.revision = 3, .base64 = true};
    start(TSIO_POLICY_DISCONNECT, 10);
    CHECK_EQ(tsio_message_add_binary(message, BYTES("\x01\x02\x03")), TSIO_OK);
    for (unsigned i = 0; i < CROWD; i++)
        tsio_conn_set_dialect(&conns[i], i % 4 == 1 ? &typed : i % 4 == 2 ? &base64 : NULL);
    join_all(&room);
    const size_t calls = alloc_calls;
    tsio_broadcast *broadcast = begin(0);
    tsio_broadcast_to_room(broadcast, &room);
    CHECK_EQ(broadcast->accepted, CROWD);
    CHECK_EQ(alloc_calls - calls, 5); /* what holds the forms; two messages and their frames */
    take_woken(broadcast);
    for (unsigned i = 0; i < CROWD; i++) {
        const tsio_message *queued = conns[i].outbox.first.message;
        CHECK(queued == (i % 4 == 1 ? message->forms->typed : i % 4 == 2 ? message->forms->base64 : message));
        CHECK_EQ(conns[i].outbox.bytes, tsio_message_bytes(queued));
    }
    for (unsigned i = 0; i < CROWD; i++) { /* the others poll */
        tsio_buf dst = {0};
        bool binary = false;
        CHECK_EQ(i % 4 == 0 ? TSIO_OK
                 : i % 4 == 3 ? tsio_outbox_take_polling(&conns[i].outbox, &dst, BIG)
                              : tsio_outbox_take_polling3(&conns[i].outbox, &dst, BIG, &binary),
                 TSIO_OK);
        CHECK_EQ(binary, i % 4 == 1);
        tsio_buf_free(&dst);
    }
    /* The polling form, and two that hold one payload each; all else is a body of each client, and what is kept of it. */
    CHECK_EQ(alloc_calls - calls, 5 + 1 + 2 * 2 + 2 * (CROWD / 4 * 3));
    finish();
}

static void a_form_without_memory_is_one_client_less(void)
{
    static const tsio_dialect typed = {.revision = 3};
    start(TSIO_POLICY_DISCONNECT, 10);
    CHECK_EQ(tsio_message_add_binary(message, BYTES("\x01")), TSIO_OK);
    tsio_conn_set_dialect(&conns[7], &typed);
    join_all(&room);
    tsio_broadcast *broadcast = begin(0);
    alloc_fail(1, false);
    tsio_broadcast_to_room(broadcast, &room);
    CHECK(alloc_heal());
    CHECK_EQ(broadcast->status, TSIO_E_NO_MEMORY);
    CHECK_EQ(broadcast->accepted, CROWD - 1);
    CHECK_EQ(conns[7].outbox.count, 0);
    take_woken(broadcast);
    finish();
}

int main(void)
{
    alloc_install();
    joining_and_leaving_twice_is_once();
    a_room_that_empties_gives_memory_back();
    join_without_memory_changes_nothing();
    everybody_gets_it_once();
    the_muted_are_not_touched();
    who_has_a_list_is_put_there();
    the_full_are_left_to_the_caller();
    broadcast_without_memory_goes_on();
    each_form_is_made_once();
    a_form_without_memory_is_one_client_less();
    return check_done("rooms");
}
