/* What polls take from an outbox, in both revisions, and how it is put back. */
#include "outbox_help.h"

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
    polling_is_joined();
    shortest_packets_are_joined_as_well();
    polled_messages_are_put_back();
    putting_back_without_memory_changes_nothing();
    one_binary_part_makes_a_binary_body();
    every_body_is_binary_if_asked_for();
    CHECK_EQ(alloc_live, 0);
    return check_done("outbox_polling");
}
