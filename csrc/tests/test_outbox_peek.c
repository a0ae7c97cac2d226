/* Peek and advance: every cut, a half-sent message under every policy, and what
 * is counted meanwhile. Random ones are in test_outbox_model.c. */
#include "alloc_help.h"
#include "outbox.h"

enum { BIG = 1 << 20 };

/* A message of one part; its frame is 2 bytes longer than the text. */
static tsio_status push(tsio_outbox *outbox, const char *text, uint64_t key, uint32_t flags)
{
    tsio_message *message = tsio_message_new(0, key);
    CHECK_EQ(tsio_message_add_text(message, 0, (const uint8_t *)text, strlen(text)), TSIO_OK);
    const tsio_status status = tsio_outbox_push(outbox, message, flags);
    tsio_message_unref(message);
    return status;
}

/* What peek gives into a block of this very size. */
static void check_peek(const tsio_outbox *outbox, size_t cap, const void *expected, size_t expected_len)
{
    uint8_t *block = check_block(NULL, cap);
    const size_t len = tsio_outbox_peek_ws(outbox, block, cap);
    CHECK_BYTES(block, len, expected, expected_len);
    check_block_free(block, cap);
}

static void check_texts(const tsio_outbox *outbox, const char *frames)
{
    check_peek(outbox, 1000, frames, strlen(frames));
}

static void finish(tsio_outbox *outbox)
{
    tsio_outbox_free(outbox);
    CHECK_EQ(outbox->head_sent, 0);
    CHECK_EQ(outbox->confirmed, outbox->pushed);
    CHECK_EQ(alloc_live, 0);
}

/* --- bytes -------------------------------------------------------------------- */

static void any_bytes_at_any_place(void)
{
    static const char all[] = "\x81\x01" "a" "\x81\x03" "bcd" "\x82\x02" "\xff\x01" "\x81\x02" "ef";
    const size_t len = sizeof all - 1;
    for (size_t step = 1; step <= len; step++) {
        tsio_outbox outbox;
        tsio_outbox_init(&outbox, 100, BIG, TSIO_POLICY_DISCONNECT);
        CHECK_EQ(push(&outbox, "a", 0, 0), TSIO_OK);
        tsio_message *message = tsio_message_new(0, 0); /* of two parts: an event and what is attached */
        CHECK_EQ(tsio_message_add_text(message, 0, BYTES("bcd")), TSIO_OK);
        CHECK_EQ(tsio_message_add_binary(message, BYTES("\xff\x01")), TSIO_OK);
        CHECK_EQ(tsio_outbox_push(&outbox, message, 0), TSIO_OK);
        tsio_message_unref(message);
        CHECK_EQ(push(&outbox, "ef", 0, 0), TSIO_OK);
        for (size_t sent = 0; sent < len; sent += step) {
            for (size_t cap = 0; cap < len + 2; cap++)
                check_peek(&outbox, cap, all + sent, cap < len - sent ? cap : len - sent);
            CHECK_EQ(outbox.confirmed, sent < 3 ? 0 : sent < 12 ? 1 : 2);
            tsio_outbox_advance(&outbox, step < len - sent ? step : len - sent);
            tsio_outbox_advance(&outbox, 0);
        }
        check_peek(&outbox, 10, "", 0);
        CHECK(outbox.entries == NULL && outbox.bytes == 0 && outbox.confirmed == 3);
        CHECK_EQ(alloc_live, 0);
        finish(&outbox);
    }
}

static void peek_and_advance_allocate_nothing(void)
{
    uint8_t dst[64];
    tsio_outbox outbox;
    tsio_outbox_init(&outbox, 100, BIG, TSIO_POLICY_DISCONNECT);
    CHECK_EQ(tsio_outbox_peek_ws(&outbox, dst, sizeof dst), 0);
    tsio_outbox_advance(&outbox, 0);
    CHECK_EQ(push(&outbox, "abc", 0, 0), TSIO_OK);
    alloc_fail(1, true);
    CHECK_EQ(tsio_outbox_peek_ws(&outbox, dst, sizeof dst), 5);
    tsio_outbox_advance(&outbox, 2);
    tsio_outbox_advance(&outbox, 3);
    CHECK(!alloc_heal());
    finish(&outbox);
}

/* --- what is half sent stays ----------------------------------------------------- */

static void the_started_one_is_not_dropped(void)
{
    static const tsio_policy policies[] = {TSIO_POLICY_DROP_OLDEST, TSIO_POLICY_LATEST_PER_EVENT};
    for (size_t i = 0; i < 2; i++) {
        tsio_outbox outbox;
        tsio_outbox_init(&outbox, 3, BIG, policies[i]);
        CHECK_EQ(push(&outbox, "aa", 7, 0), TSIO_OK);
        CHECK_EQ(push(&outbox, "b", 8, 0), TSIO_OK);
        CHECK_EQ(push(&outbox, "c", 9, 0), TSIO_OK);
        tsio_outbox_advance(&outbox, 3);
        CHECK_EQ(push(&outbox, "d", 0, 0), TSIO_OK); /* in place of "b" */
        check_texts(&outbox, "a" "\x81\x01" "c" "\x81\x01" "d");
        CHECK_EQ(outbox.head_sent, 3);
        CHECK_EQ(outbox.dropped, 1);
        CHECK_EQ(outbox.confirmed, 0); /* it is the first that counts */
        tsio_outbox_advance(&outbox, 1);
        CHECK_EQ(outbox.confirmed, 2);
        CHECK_EQ(push(&outbox, "e", 0, 0), TSIO_OK);
        CHECK_EQ(push(&outbox, "f", 0, 0), TSIO_OK); /* the new first one may be dropped again */
        check_texts(&outbox, "\x81\x01" "d" "\x81\x01" "e" "\x81\x01" "f");
        finish(&outbox);
    }
}

static void the_started_one_is_not_replaced(void)
{
    tsio_outbox outbox;
    tsio_outbox_init(&outbox, 10, BIG, TSIO_POLICY_LATEST_PER_EVENT);
    CHECK_EQ(push(&outbox, "a", 7, 0), TSIO_OK);
    tsio_outbox_advance(&outbox, 1);
    CHECK_EQ(push(&outbox, "b", 7, 0), TSIO_OK);
    CHECK_EQ(push(&outbox, "c", 7, 0), TSIO_OK);
    check_texts(&outbox, "\x01" "a" "\x81\x01" "c");
    CHECK_EQ(outbox.dropped, 1);
    finish(&outbox);
}

/* Until its last byte is written it takes up the room it took when it was queued. */
static void the_started_one_counts_as_a_whole(void)
{
    for (tsio_policy policy = TSIO_POLICY_DISCONNECT; policy <= TSIO_POLICY_LATEST_PER_EVENT; policy++) {
        const bool refuses = policy == TSIO_POLICY_DISCONNECT || policy == TSIO_POLICY_BLOCK;
        tsio_outbox outbox;
        tsio_outbox_init(&outbox, 10, 10, policy);
        CHECK_EQ(push(&outbox, "12345678", 0, 0), TSIO_OK);
        tsio_outbox_advance(&outbox, 9);
        CHECK(outbox.bytes == 10 && !tsio_outbox_has_room(&outbox, 3));
        CHECK_EQ(push(&outbox, "a", 0, 0), refuses ? TSIO_E_OUTBOX_FULL : TSIO_E_DROPPED);
        CHECK_EQ(push(&outbox, "p", 0, TSIO_SEND_PROTECTED), TSIO_OK);
        check_texts(&outbox, "8" "\x81\x01" "p");
        tsio_outbox_advance(&outbox, 1);
        CHECK(outbox.bytes == 3 && tsio_outbox_has_room(&outbox, 7) && !tsio_outbox_has_room(&outbox, 8));
        finish(&outbox);
    }
}

static void a_growing_ring_keeps_the_started_one_first(void)
{
    tsio_outbox outbox;
    char expected[3 * 100 + 1] = "";
    tsio_outbox_init(&outbox, 1000, BIG, TSIO_POLICY_DISCONNECT);
    for (unsigned i = 0; i < 10; i++) /* so that the ring does not begin at its beginning */
        CHECK_EQ(push(&outbox, "-", 0, 0), TSIO_OK);
    tsio_outbox_advance(&outbox, 9 * 3 + 2);
    strcat(expected, "-");
    for (unsigned i = 0; i < 90; i++) {
        const char text[2] = {(char)('!' + i), '\0'};
        CHECK_EQ(push(&outbox, text, 0, 0), TSIO_OK);
        strcat(strcat(expected, "\x81\x01"), text);
        check_texts(&outbox, expected);
    }
    finish(&outbox); /* with one that is half sent */
}

/* --- together with take ------------------------------------------------------------ */

static void what_was_taken_before_is_confirmed_first(void)
{
    tsio_outbox outbox;
    tsio_buf taken = {0};
    tsio_outbox_init(&outbox, 10, BIG, TSIO_POLICY_DISCONNECT);
    CHECK_EQ(push(&outbox, "a", 0, 0), TSIO_OK);
    CHECK_EQ(push(&outbox, "b", 0, 0), TSIO_OK);
    CHECK_EQ(tsio_outbox_take_polling(&outbox, &taken, 1), TSIO_OK);
    CHECK_BYTES(taken.data, taken.len, "a", 1);
    check_texts(&outbox, "\x81\x01" "b");
    tsio_outbox_advance(&outbox, 3);
    CHECK(outbox.count == 0 && outbox.inflight_packets == 1);
    CHECK_EQ(outbox.confirmed, 0);
    CHECK_EQ(push(&outbox, "c", 0, 0), TSIO_OK);
    tsio_outbox_confirm(&outbox);
    CHECK_EQ(outbox.confirmed, 2);
    CHECK_EQ(tsio_outbox_take_ws(&outbox, &taken, BIG), TSIO_OK);
    CHECK_BYTES(taken.data, taken.len, "a" "\x81\x01" "c", 4);
    check_texts(&outbox, "");
    tsio_outbox_confirm(&outbox);
    CHECK_EQ(outbox.confirmed, 3);
    tsio_buf_free(&taken);
    finish(&outbox);
}

int main(void)
{
    alloc_install();
    any_bytes_at_any_place();
    peek_and_advance_allocate_nothing();
    the_started_one_is_not_dropped();
    the_started_one_is_not_replaced();
    the_started_one_counts_as_a_whole();
    a_growing_ring_keeps_the_started_one_first();
    what_was_taken_before_is_confirmed_first();
    return check_done("outbox_peek");
}
