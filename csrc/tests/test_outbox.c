/* The queue of an outbox: its order, its limits, its memory, and when messages count as written. */
#include "outbox_help.h"

static void is_a_queue(void)
{
    tsio_outbox outbox;
    tsio_outbox_init(&outbox, 100, BIG, TSIO_POLICY_DISCONNECT);
    for (char mark = 'a'; mark <= 'z'; mark++)
        CHECK_EQ(push_plain(&outbox, mark), TSIO_OK);
    CHECK_EQ(outbox.count, 26);
    CHECK_EQ(outbox.bytes, 260);
    check_drains(&outbox, "abcdefghijklmnopqrstuvwxyz");
    check_drains(&outbox, "");
    tsio_outbox_free(&outbox);
}

static void owns_memory_only_while_something_is_queued(void)
{
    tsio_outbox outbox;
    tsio_outbox_init(&outbox, 100, BIG, TSIO_POLICY_DISCONNECT);
    CHECK_EQ(alloc_live, 0);
    push_plain(&outbox, 'a');
    CHECK(alloc_live > 0);
    check_drains(&outbox, "a");
    CHECK_EQ(alloc_live, 0);
    push_plain(&outbox, 'b'); /* and again */
    check_drains(&outbox, "b");
    CHECK_EQ(alloc_live, 0);
    tsio_outbox_free(&outbox);
}

static void shares_one_message_among_many(void)
{
    tsio_outbox outboxes[10];
    tsio_message *message = make('m', 10, 0);
    for (unsigned i = 0; i < 10; i++) {
        tsio_outbox_init(&outboxes[i], 100, BIG, TSIO_POLICY_DISCONNECT);
        CHECK_EQ(tsio_outbox_push(&outboxes[i], message, 0), TSIO_OK);
    }
    CHECK_EQ(message->refs, 11);
    tsio_message_unref(message);
    for (unsigned i = 0; i < 9; i++)
        check_drains(&outboxes[i], "m");
    CHECK_EQ(message->refs, 1);
    tsio_outbox_free(&outboxes[9]); /* with the message in it */
    CHECK_EQ(alloc_live, 0);
}

static void limits_count_what_is_queued_and_in_flight(void)
{
    tsio_outbox outbox;
    tsio_buf dst = {0};
    tsio_outbox_init(&outbox, 3, 100, TSIO_POLICY_BLOCK);
    push(&outbox, 'a', 30, 0, 0);
    CHECK_EQ(tsio_outbox_take_ws(&outbox, &dst, BIG), TSIO_OK);
    CHECK_EQ(outbox.inflight_packets, 1);
    CHECK_EQ(outbox.inflight_bytes, 30);
    push(&outbox, 'b', 30, 0, 0);
    CHECK(tsio_outbox_has_room(&outbox, 40));
    CHECK(!tsio_outbox_has_room(&outbox, 41));
    CHECK(!tsio_outbox_has_room(&outbox, SIZE_MAX));
    CHECK_EQ(push(&outbox, 'x', 41, 0, 0), TSIO_E_OUTBOX_FULL); /* bytes */
    CHECK_EQ(push(&outbox, 'c', 20, 0, 0), TSIO_OK);
    CHECK(!tsio_outbox_has_room(&outbox, 0));
    CHECK_EQ(push(&outbox, 'x', 3, 0, 0), TSIO_E_OUTBOX_FULL); /* packets */
    tsio_outbox_confirm(&outbox);
    CHECK_EQ(push(&outbox, 'd', 50, 0, 0), TSIO_OK); /* exactly the limit */
    CHECK_EQ(outbox.dropped, 0);
    check_drains(&outbox, "bcd");
    tsio_buf_free(&dst);
}

static void oversize_message_needs_an_empty_outbox(void)
{
    tsio_outbox outbox;
    tsio_buf dst = {0};
    tsio_outbox_init(&outbox, 10, 20, TSIO_POLICY_DISCONNECT);
    CHECK(tsio_outbox_has_room(&outbox, SIZE_MAX));
    CHECK_EQ(push(&outbox, 'a', 100, 0, 0), TSIO_OK);
    CHECK_EQ(push(&outbox, 'b', 3, 0, 0), TSIO_E_OUTBOX_FULL);
    CHECK_EQ(tsio_outbox_take_ws(&outbox, &dst, BIG), TSIO_OK);
    CHECK_EQ(push(&outbox, 'c', 100, 0, 0), TSIO_E_OUTBOX_FULL); /* still in flight */
    tsio_outbox_confirm(&outbox);
    CHECK_EQ(push(&outbox, 'd', 100, 0, 0), TSIO_OK);
    check_drains(&outbox, "d");
    tsio_buf_free(&dst);
}

static void flush_is_over_when_all_before_it_is_gone(void)
{
    tsio_outbox outbox;
    tsio_buf dst = {0};
    tsio_outbox_init(&outbox, 100, BIG, TSIO_POLICY_LATEST_PER_EVENT);
    CHECK(outbox.pushed == 0 && outbox.confirmed == 0);
    push(&outbox, 'a', 10, 0, 0);
    push(&outbox, 'b', 10, 0, 0);
    const uint64_t flush = outbox.pushed;
    push(&outbox, 'c', 10, 1, 0);
    push(&outbox, 'C', 10, 1, 0); /* dropping one that came later does not count */
    CHECK_EQ(outbox.pushed, 4);
    CHECK_EQ(outbox.confirmed, 0);
    CHECK_EQ(tsio_outbox_take_ws(&outbox, &dst, 1), TSIO_OK);
    CHECK_EQ(outbox.confirmed, 0); /* in flight is not written */
    tsio_outbox_confirm(&outbox);
    CHECK_EQ(outbox.confirmed, 1);
    CHECK_EQ(tsio_outbox_take_ws(&outbox, &dst, dst.len + 1), TSIO_OK);
    push(&outbox, 'd', 10, 0, 0);
    CHECK(outbox.confirmed < flush);
    tsio_outbox_confirm(&outbox);
    CHECK_EQ(outbox.confirmed, 3); /* the dropped 'c' is gone as well */
    tsio_outbox_confirm(&outbox);
    CHECK_EQ(outbox.confirmed, 3);
    check_drains(&outbox, "Cd");
    tsio_buf_free(&dst);
}

static void free_discards_and_confirms(void)
{
    tsio_outbox outbox;
    tsio_buf dst = {0};
    tsio_outbox_init(&outbox, 2, BIG, TSIO_POLICY_BLOCK);
    push_plain(&outbox, 'a');
    CHECK_EQ(tsio_outbox_take_ws(&outbox, &dst, 1), TSIO_OK);
    push_plain(&outbox, 'b');
    outbox.closed = true;
    tsio_outbox_free(&outbox);
    CHECK_EQ(outbox.pushed, 2);
    CHECK_EQ(outbox.confirmed, 2);
    CHECK(outbox.closed && outbox.count == 0 && outbox.bytes == 0 && outbox.inflight_bytes == 0);
    tsio_outbox_confirm(&outbox); /* the write that was under way */
    outbox.closed = false;
    CHECK_EQ(push_plain(&outbox, 'c'), TSIO_OK);
    CHECK_EQ(push_plain(&outbox, 'd'), TSIO_OK);
    CHECK_EQ(push_plain(&outbox, 'e'), TSIO_E_OUTBOX_FULL);
    check_drains(&outbox, "cd");
    tsio_outbox_free(&outbox);
    tsio_buf_free(&dst);
}

static void take_stops_at_its_limit_but_takes_one(void)
{
    tsio_outbox outbox;
    tsio_buf dst = {0};
    tsio_outbox_init(&outbox, 100, BIG, TSIO_POLICY_DISCONNECT);
    for (char mark = 'a'; mark <= 'f'; mark++)
        push_plain(&outbox, mark);
    CHECK_EQ(tsio_outbox_take_ws(&outbox, &dst, 20), TSIO_OK);
    CHECK_EQ(dst.len, 20);
    CHECK_EQ(tsio_outbox_take_ws(&outbox, &dst, 31), TSIO_OK);
    CHECK_EQ(dst.len, 40); /* whole messages only */
    CHECK_EQ(tsio_outbox_take_ws(&outbox, &dst, 0), TSIO_OK);
    CHECK_EQ(dst.len, 50);
    CHECK_EQ(outbox.count, 1);
    CHECK_EQ(outbox.inflight_packets, 5);
    CHECK_EQ(outbox.inflight_bytes, 50);
    check_drains(&outbox, "f");
    CHECK_EQ(outbox.inflight_packets, 0);
    tsio_buf_free(&dst);
}

int main(void)
{
    alloc_install();
    is_a_queue();
    owns_memory_only_while_something_is_queued();
    shares_one_message_among_many();
    limits_count_what_is_queued_and_in_flight();
    oversize_message_needs_an_empty_outbox();
    flush_is_over_when_all_before_it_is_gone();
    free_discards_and_confirms();
    take_stops_at_its_limit_but_takes_one();
    CHECK_EQ(alloc_live, 0);
    return check_done("outbox");
}
