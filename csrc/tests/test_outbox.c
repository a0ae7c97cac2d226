#include "alloc_help.h"
#include "outbox.h"

enum { BIG = 1 << 20 };

/* A message whose frame is exactly `bytes` long (3 to 127) and begins with `mark`. */
static tsio_message *make(uint8_t mark, size_t bytes, uint64_t key)
{
    uint8_t text[125] = {0};
    CHECK(bytes >= 3 && bytes <= 127);
    text[0] = mark;
    tsio_message *message = tsio_message_new(0, key);
    CHECK_EQ(tsio_message_add_text(message, 0, text, bytes - 2), TSIO_OK);
    CHECK_EQ(tsio_message_bytes(message), bytes);
    return message;
}

static tsio_status push(tsio_outbox *outbox, char mark, size_t bytes, uint64_t key, uint32_t flags)
{
    tsio_message *message = make((uint8_t)mark, bytes, key);
    const tsio_status status = tsio_outbox_push(outbox, message, flags);
    CHECK_EQ(message->refs, status == TSIO_OK ? 2 : 1);
    tsio_message_unref(message);
    return status;
}

static tsio_status push_plain(tsio_outbox *outbox, char mark)
{
    return push(outbox, mark, 10, 0, 0);
}

/* Takes and confirms everything; the marks, in order, are to be these. */
static void check_drains(tsio_outbox *outbox, const char *marks)
{
    tsio_buf dst = {0};
    CHECK_EQ(tsio_outbox_take_ws(outbox, &dst, BIG), TSIO_OK);
    CHECK_EQ(outbox->count, 0);
    CHECK_EQ(outbox->bytes, 0);
    size_t at = 0;
    for (; *marks != 0; marks++) {
        CHECK(at < dst.len);
        CHECK_EQ(dst.data[at + 2], *marks);
        at += 2 + (size_t)dst.data[at + 1];
    }
    CHECK_EQ(at, dst.len);
    tsio_buf_free(&dst);
    tsio_outbox_confirm(outbox);
    CHECK(outbox->confirmed == outbox->pushed);
}

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

static void protected_is_always_accepted(void)
{
    tsio_outbox outbox;
    for (unsigned policy = 0; policy <= TSIO_POLICY_LATEST_PER_EVENT; policy++) {
        tsio_outbox_init(&outbox, 2, 20, (tsio_policy)policy);
        push_plain(&outbox, 'a');
        push_plain(&outbox, 'b');
        CHECK_EQ(push(&outbox, 'P', 100, 0, TSIO_SEND_PROTECTED), TSIO_OK);
        outbox.closed = true;
        CHECK_EQ(push(&outbox, 'Q', 100, 0, TSIO_SEND_PROTECTED), TSIO_OK);
        CHECK_EQ(outbox.dropped, 0);
        CHECK(!tsio_outbox_has_room(&outbox, 0));
        check_drains(&outbox, "abPQ");
    }
}

static void closed_refuses_the_rest(void)
{
    tsio_outbox outbox;
    for (unsigned policy = 0; policy <= TSIO_POLICY_LATEST_PER_EVENT; policy++) {
        tsio_outbox_init(&outbox, 100, BIG, (tsio_policy)policy);
        push(&outbox, 'a', 10, 7, 0);
        outbox.closed = true;
        CHECK_EQ(push(&outbox, 'b', 10, 7, 0), TSIO_E_DROPPED);
        CHECK_EQ(outbox.dropped, 1);
        CHECK_EQ(outbox.pushed, 1);
        check_drains(&outbox, "a");
    }
}

static void newest_is_dropped(void)
{
    tsio_outbox outbox;
    tsio_outbox_init(&outbox, 2, BIG, TSIO_POLICY_DROP_NEWEST);
    push_plain(&outbox, 'a');
    push_plain(&outbox, 'b');
    CHECK_EQ(push_plain(&outbox, 'c'), TSIO_E_DROPPED);
    CHECK_EQ(outbox.dropped, 1);
    CHECK_EQ(outbox.pushed, 2);
    check_drains(&outbox, "ab");
}

static void oldest_are_dropped_around_the_protected(void)
{
    tsio_outbox outbox;
    tsio_outbox_init(&outbox, 100, 50, TSIO_POLICY_DROP_OLDEST);
    push_plain(&outbox, 'a');
    push(&outbox, 'P', 10, 0, TSIO_SEND_PROTECTED);
    push_plain(&outbox, 'b');
    push_plain(&outbox, 'c');
    push_plain(&outbox, 'd');
    CHECK_EQ(push(&outbox, 'e', 20, 0, 0), TSIO_OK);
    CHECK_EQ(outbox.dropped, 2);
    CHECK_EQ(outbox.bytes, 50);
    check_drains(&outbox, "Pcde");
}

static void nothing_is_dropped_in_vain(void)
{
    tsio_outbox outbox;
    tsio_buf dst = {0};
    tsio_outbox_init(&outbox, 100, 50, TSIO_POLICY_DROP_OLDEST);
    push(&outbox, 'a', 30, 0, 0);
    CHECK_EQ(tsio_outbox_take_ws(&outbox, &dst, BIG), TSIO_OK);
    push_plain(&outbox, 'b');
    CHECK_EQ(push(&outbox, 'x', 21, 0, 0), TSIO_E_DROPPED); /* 30 are in flight */
    CHECK_EQ(outbox.dropped, 1);
    CHECK_EQ(outbox.count, 1);
    CHECK_EQ(push(&outbox, 'c', 20, 0, 0), TSIO_OK);
    CHECK_EQ(outbox.dropped, 2);
    check_drains(&outbox, "c");
    tsio_buf_free(&dst);
}

/* What is dropped may leave the outbox empty: then size does not matter. */
static void oversize_message_may_drop_all_others(void)
{
    tsio_outbox outbox;
    tsio_outbox_init(&outbox, 100, 50, TSIO_POLICY_DROP_OLDEST);
    push_plain(&outbox, 'a');
    push_plain(&outbox, 'b');
    CHECK_EQ(push(&outbox, 'c', 100, 0, 0), TSIO_OK);
    CHECK_EQ(outbox.dropped, 2);
    check_drains(&outbox, "c");
}

static void latest_replaces_its_key(void)
{
    tsio_outbox outbox;
    tsio_outbox_init(&outbox, 5, BIG, TSIO_POLICY_LATEST_PER_EVENT);
    push(&outbox, 'a', 10, 1, 0);
    push(&outbox, 'b', 10, 2, 0);
    push(&outbox, 'c', 10, 0, 0);
    CHECK_EQ(push(&outbox, 'A', 10, 1, 0), TSIO_OK); /* though there is room */
    CHECK_EQ(outbox.dropped, 1);
    push(&outbox, 'C', 10, 0, 0); /* key 0 replaces nothing */
    push(&outbox, 'P', 10, 2, TSIO_SEND_PROTECTED);
    CHECK_EQ(push(&outbox, 'B', 10, 2, 0), TSIO_OK); /* replaces 'b', which makes the room, not 'P' */
    CHECK_EQ(outbox.dropped, 2);
    CHECK_EQ(push(&outbox, 'd', 10, 3, 0), TSIO_OK); /* full: 'c' is the oldest */
    CHECK_EQ(outbox.dropped, 3);
    check_drains(&outbox, "ACPBd");
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

static void polling_is_joined(void)
{
    tsio_outbox outbox;
    tsio_buf dst = {0};
    tsio_outbox_init(&outbox, 100, BIG, TSIO_POLICY_DISCONNECT);
    tsio_message *message = tsio_message_new(0, 0);
    tsio_message_add_text(message, '4', BYTES("51-[]"));
    tsio_message_add_binary(message, BYTES("\x01"));
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(tsio_outbox_push(&outbox, message, 0), TSIO_OK);
    CHECK_EQ(tsio_outbox_take_polling(&outbox, &dst, 13), TSIO_OK);
    CHECK_BYTES(dst.data, dst.len, "451-[]\x1e" "bAQ==\x1e" "451-[]\x1e" "bAQ==", 25);
    CHECK_EQ(tsio_outbox_take_polling(&outbox, &dst, 1), TSIO_OK);
    CHECK_EQ(dst.len, 38);
    CHECK_EQ(dst.data[25], 0x1e);
    CHECK_EQ(outbox.inflight_bytes, 3 * tsio_message_bytes(message));
    tsio_buf_clear(&dst);
    CHECK_EQ(tsio_outbox_take_ws(&outbox, &dst, BIG), TSIO_OK); /* the session was upgraded */
    CHECK_BYTES(dst.data, dst.len, message->ws.data, message->ws.len);
    tsio_outbox_confirm(&outbox);
    CHECK_EQ(tsio_outbox_take_polling(&outbox, &dst, BIG), TSIO_OK); /* nothing, and no separator */
    CHECK_EQ(dst.len, message->ws.len);
    tsio_buf_free(&dst);
    tsio_message_unref(message);
}

static void shortest_packets_are_joined_as_well(void)
{
    tsio_outbox outbox;
    tsio_buf dst = {0};
    tsio_outbox_init(&outbox, 100, BIG, TSIO_POLICY_DISCONNECT);
    push(&outbox, '2', 3, 0, 0);
    push(&outbox, '6', 3, 0, 0);
    CHECK_EQ(tsio_outbox_take_polling(&outbox, &dst, BIG), TSIO_OK);
    CHECK_BYTES(dst.data, dst.len, "2\x1e" "6", 3);
    tsio_buf_free(&dst);
    tsio_outbox_free(&outbox);
}

/* --- put back (P6) --------------------------------------------------------- */

static void polled_messages_are_put_back(void)
{
    tsio_outbox outbox;
    tsio_buf dst = {0};
    tsio_outbox_init(&outbox, 100, BIG, TSIO_POLICY_DISCONNECT);
    for (char mark = 'a'; mark <= 'e'; mark++)
        push_plain(&outbox, mark);
    CHECK_EQ(tsio_outbox_take_polling(&outbox, &dst, 1), TSIO_OK);
    CHECK_EQ(tsio_outbox_take_polling(&outbox, &dst, 1), TSIO_OK);
    CHECK_EQ(outbox.inflight_packets, 2);
    CHECK_EQ(tsio_outbox_put_back(&outbox), TSIO_OK);
    CHECK_EQ(outbox.inflight_packets, 0);
    CHECK_EQ(outbox.inflight_bytes, 0);
    CHECK_EQ(outbox.count, 5);
    CHECK_EQ(outbox.bytes, 50);
    CHECK_EQ(outbox.confirmed, 0);
    check_drains(&outbox, "abcde");
    CHECK_EQ(tsio_outbox_put_back(&outbox), TSIO_OK); /* nothing: it is confirmed */
    check_drains(&outbox, "");
    for (char mark = 'a'; mark <= 'z'; mark++) /* more than the smallest ring holds */
        push_plain(&outbox, mark);
    CHECK_EQ(tsio_outbox_take_polling(&outbox, &dst, BIG), TSIO_OK);
    push_plain(&outbox, '0');
    CHECK_EQ(tsio_outbox_put_back(&outbox), TSIO_OK);
    check_drains(&outbox, "abcdefghijklmnopqrstuvwxyz0");
    push_plain(&outbox, 'a');
    CHECK_EQ(tsio_outbox_take_polling(&outbox, &dst, BIG), TSIO_OK);
    tsio_outbox_free(&outbox); /* with what is kept */
    CHECK(outbox.confirmed == outbox.pushed);
    tsio_buf_free(&dst);
    CHECK_EQ(alloc_live, 0);
}

static void putting_back_without_memory_changes_nothing(void)
{
    tsio_outbox outbox;
    tsio_buf dst = {0};
    tsio_outbox_init(&outbox, 100, BIG, TSIO_POLICY_DISCONNECT);
    push_plain(&outbox, 'a');
    alloc_fail_at = alloc_calls + 1;
    CHECK_EQ(tsio_outbox_take_polling(&outbox, &dst, BIG), TSIO_E_NO_MEMORY);
    CHECK_EQ(outbox.count, 1);
    CHECK_EQ(tsio_outbox_take_polling(&outbox, &dst, BIG), TSIO_OK);
    push_plain(&outbox, 'b');
    alloc_fail_at = alloc_calls + 1;
    CHECK_EQ(tsio_outbox_put_back(&outbox), TSIO_E_NO_MEMORY);
    CHECK_EQ(outbox.count, 1);
    CHECK_EQ(outbox.inflight_packets, 1);
    CHECK_EQ(tsio_outbox_put_back(&outbox), TSIO_OK);
    alloc_fail_at = 0;
    check_drains(&outbox, "ab");
    tsio_buf_free(&dst);
    CHECK_EQ(alloc_live, 0);
}

/* --- polling in revision 3 ------------------------------------------------ */

static tsio_message *message_of(const char *text, bool attached)
{
    static const tsio_dialect typed = {.revision = 3};
    tsio_message *message = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_text(message, '4', (const uint8_t *)text, strlen(text)), TSIO_OK);
    if (!attached)
        return message;
    CHECK_EQ(tsio_message_add_binary(message, BYTES("\xff")), TSIO_OK);
    tsio_message *form = tsio_message_in(message, &typed);
    tsio_message_ref(form);
    tsio_message_unref(message);
    return form;
}

static void check_body(tsio_outbox *outbox, size_t max_bytes, bool binary, const char *body, size_t len)
{
    tsio_buf dst = {0};
    bool is_binary = false;
    CHECK_EQ(tsio_outbox_take_polling3(outbox, &dst, max_bytes, &is_binary), TSIO_OK);
    CHECK_EQ(is_binary, binary);
    CHECK_BYTES(dst.data, dst.len, body, len);
    tsio_buf_free(&dst);
}

static void one_binary_part_makes_a_binary_body(void)
{
    tsio_outbox outbox;
    tsio_message *messages[] = {message_of("a", false), message_of("b", false), message_of("c", true)};
    tsio_outbox_init(&outbox, 10, 1000, TSIO_POLICY_DISCONNECT);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < 3; i++)
            CHECK_EQ(tsio_outbox_push(&outbox, messages[i], 0), TSIO_OK);
    check_body(&outbox, 1, false, "2:4a", 4);                                    /* one in any case */
    check_body(&outbox, 4, false, "2:4b", 4);                                    /* four bytes in its frame */
    check_body(&outbox, 9, true, "\0\2\xff" "4c" "\1\2\xff\4\xff" "\0\2\xff" "4a", 15);
    check_body(&outbox, 1000, true, "\0\2\xff" "4b" "\0\2\xff" "4c" "\1\2\xff\4\xff", 15);
    CHECK(outbox.entries == NULL && outbox.inflight_packets == 6);
    check_body(&outbox, 1000, false, NULL, 0);
    tsio_outbox_confirm(&outbox);
    CHECK_EQ(outbox.confirmed, 6);
    for (unsigned i = 0; i < 3; i++)
        tsio_message_unref(messages[i]);
    tsio_outbox_free(&outbox);
    CHECK_EQ(alloc_live, 0);
}

static void every_body_is_binary_if_asked_for(void)
{
    tsio_outbox outbox;
    tsio_message *message = message_of("a", false);
    tsio_buf dst = {0};
    bool is_binary = true;
    tsio_outbox_init(&outbox, 10, 1000, TSIO_POLICY_DISCONNECT);
    CHECK_EQ(tsio_outbox_push(&outbox, message, 0), TSIO_OK);
    CHECK_EQ(tsio_outbox_take_polling3(&outbox, &dst, 1, &is_binary), TSIO_OK);
    CHECK(is_binary);
    CHECK_BYTES(dst.data, dst.len, "\0\2\xff" "4a", 5);
    tsio_buf_free(&dst);
    tsio_message_unref(message);
    tsio_outbox_free(&outbox);
    CHECK_EQ(alloc_live, 0);
}

int main(void)
{
    alloc_install();
    is_a_queue();
    owns_memory_only_while_something_is_queued();
    shares_one_message_among_many();
    limits_count_what_is_queued_and_in_flight();
    oversize_message_needs_an_empty_outbox();
    protected_is_always_accepted();
    closed_refuses_the_rest();
    newest_is_dropped();
    oldest_are_dropped_around_the_protected();
    nothing_is_dropped_in_vain();
    oversize_message_may_drop_all_others();
    latest_replaces_its_key();
    flush_is_over_when_all_before_it_is_gone();
    free_discards_and_confirms();
    take_stops_at_its_limit_but_takes_one();
    polling_is_joined();
    shortest_packets_are_joined_as_well();
    polled_messages_are_put_back();
    putting_back_without_memory_changes_nothing();
    one_binary_part_makes_a_binary_body();
    every_body_is_binary_if_asked_for();
    CHECK_EQ(alloc_live, 0);
    return check_done("outbox");
}
