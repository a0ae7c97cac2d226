/* Every scenario runs with its n-th allocation failing, for all n until none
 * fails any more, once with only that one failing and once with all from there on.
 *
 * A scenario retries what failed after the memory has come back, so it proves that
 * the object was left usable; or it finds a connection that stays failed. In the
 * end nothing may be left allocated. */
#include "alloc_help.h"
#include "conn.h"
#include "ws_help.h"

enum { BIG = 1 << 20, MESSAGES = 40 };

static size_t failures; /* statuses TSIO_E_NO_MEMORY seen in this run */

/* Repeats `call` when there was no memory; that may happen only while it fails. */
#define RETRY(call)                                 \
    do {                                            \
        tsio_status retry_status = (call);          \
        if (retry_status == TSIO_E_NO_MEMORY) {     \
            CHECK(alloc_heal());                    \
            failures++;                             \
            retry_status = (call);                  \
        }                                           \
        CHECK_EQ(retry_status, TSIO_OK);            \
    } while (0)

static tsio_message *new_message(size_t reserve_bytes)
{
    tsio_message *message = tsio_message_new(reserve_bytes, 0);
    if (message == NULL) {
        CHECK(alloc_heal());
        failures++;
        message = tsio_message_new(reserve_bytes, 0);
    }
    CHECK(message != NULL);
    return message;
}

static tsio_message *text_message(const char *text)
{
    tsio_message *message = new_message(0);
    RETRY(tsio_message_add_text(message, '4', (const uint8_t *)text, strlen(text)));
    return message;
}

/* --- scenarios ------------------------------------------------------------ */

static void build_and_encode(void)
{
    static const uint8_t blob[300] = {1};
    const uint8_t *data = NULL;
    size_t len = 0;
    tsio_message *message = new_message(80);
    RETRY(tsio_message_add_text(message, '4', BYTES("51-[]")));
    for (unsigned i = 0; i < 5; i++)
        RETRY(tsio_message_add_binary(message, blob, sizeof blob));
    CHECK_EQ(message->parts, 6);
    CHECK_EQ(tsio_message_bytes(message), 2 + 6 + 5 * (4 + sizeof blob));
    RETRY(tsio_message_polling(message, &data, &len));
    CHECK_EQ(len, 6 + 5 * (1 + 1 + 400));
    tsio_message_unref(message);
}

/* In pieces, so that `dst` grows often. What failed stays queued, in order. */
static void push_and_take(bool polling)
{
    tsio_outbox outbox;
    tsio_buf dst = {0};
    const char *join = polling ? "\x1e" : "";
    char expected[MESSAGES * 20] = "", piece[20];
    size_t expected_len = 0;
    tsio_outbox_init(&outbox, 100, BIG, TSIO_POLICY_DISCONNECT);
    for (unsigned i = 0; i < MESSAGES; i++) {
        snprintf(piece, sizeof piece, "message %02u", i);
        tsio_message *message = text_message(piece);
        RETRY(tsio_outbox_push(&outbox, message, 0));
        CHECK_EQ(outbox.count, i + 1);
        CHECK_EQ(message->refs, 2);
        tsio_message_unref(message);
        expected_len += (size_t)snprintf(expected + expected_len, sizeof expected - expected_len, "%s%s4%s",
                                         i > 0 ? join : "", polling ? "" : "\x81\x0b", piece);
    }
    for (size_t queued = outbox.count; outbox.count > 0; queued = outbox.count) {
        const size_t before = dst.len;
        const tsio_status status =
            (polling ? tsio_outbox_take_polling : tsio_outbox_take_ws)(&outbox, &dst, before + 50);
        CHECK_EQ(outbox.count + outbox.inflight_packets, MESSAGES);
        if (status == TSIO_OK) {
            CHECK(outbox.count < queued && dst.len > before);
        } else {
            CHECK_EQ(status, TSIO_E_NO_MEMORY);
            CHECK(outbox.count == queued && dst.len == before);
            CHECK(alloc_heal());
            failures++;
        }
    }
    CHECK_BYTES(dst.data, dst.len, expected, expected_len);
    tsio_outbox_confirm(&outbox);
    CHECK_EQ(outbox.confirmed, MESSAGES);
    CHECK(outbox.entries == NULL);
    tsio_buf_free(&dst);
    tsio_outbox_free(&outbox);
}

static void push_and_take_ws(void)
{
    push_and_take(false);
}

static void push_and_take_polling(void)
{
    push_and_take(true);
}

/* The binary form stays so when memory fails in the middle. */
static void push_and_take_revision3(void)
{
    static const tsio_dialect typed = {.revision = 3};
    static const char whole[] = "\0\4\xff" "451-" "\1\2\xff\4\7" "\0\2\xff" "4a";
    tsio_outbox outbox;
    tsio_message *messages[] = {text_message("51-"), text_message("a")}, *form;
    const uint8_t blob = 7;
    RETRY(tsio_message_add_binary(messages[0], &blob, 1));
    tsio_outbox_init(&outbox, 100, BIG, TSIO_POLICY_DISCONNECT);
    for (unsigned i = 0; i < 2; i++) {
        RETRY((form = tsio_message_in(messages[i], &typed)) == NULL ? TSIO_E_NO_MEMORY : TSIO_OK);
        RETRY(tsio_outbox_push(&outbox, form, 0));
    }
    for (bool binary = false; outbox.count > 0; binary = false) {
        tsio_buf body = {0};
        const size_t queued = outbox.count;
        RETRY(tsio_outbox_take_polling3(&outbox, &body, BIG, &binary));
        CHECK_EQ(binary, queued == 2);
        if (binary) {
            CHECK(body.len == sizeof whole - 1 || body.len == sizeof whole - 1 - 5);
            CHECK(check_same(body.data, whole, body.len));
        } else {
            CHECK_BYTES(body.data, body.len, "2:4a", 4);
        }
        failures += outbox.count > 0;
        tsio_buf_free(&body);
    }
    tsio_message_unref(messages[0]);
    tsio_message_unref(messages[1]);
    tsio_outbox_free(&outbox);
}

/* A push for which the ring cannot grow drops nothing. */
static void push_that_may_drop(void)
{
    tsio_outbox outbox;
    tsio_message *message = text_message("x");
    tsio_outbox_init(&outbox, MESSAGES, BIG, TSIO_POLICY_DROP_OLDEST);
    for (unsigned i = 0; i < 3 * MESSAGES; i++) {
        const uint32_t count = outbox.count;
        const uint64_t dropped = outbox.dropped;
        tsio_status status = tsio_outbox_push(&outbox, message, 0);
        if (status == TSIO_E_NO_MEMORY) {
            CHECK(alloc_heal());
            failures++;
            CHECK(outbox.count == count && outbox.dropped == dropped && outbox.pushed == i);
            status = tsio_outbox_push(&outbox, message, 0);
        }
        CHECK_EQ(status, TSIO_OK);
    }
    CHECK_EQ(outbox.count, MESSAGES);
    CHECK_EQ(outbox.dropped, 2 * MESSAGES);
    tsio_outbox_free(&outbox);
    CHECK_EQ(message->refs, 1);
    tsio_message_unref(message);
}

/* Feeds byte by byte, in fragments with a ping between. Either everything arrives,
 * or the connection fails, stays failed, and holds nothing any more. */
static void feed_and_next(void)
{
    static ws_stream stream;
    static const char text[] = "4a message that comes in many pieces, so that it has to be put together and to grow";
    tsio_conn conn;
    tsio_conn_event event = {0};
    size_t messages = 0;
    stream.len = 0;
    RETRY(tsio_conn_init(&conn, BIG, 100, 100, BIG, TSIO_POLICY_DISCONNECT));
    for (unsigned i = 0; i < 3; i++) {
        ws_put_frame(&stream, false, TSIO_WS_TEXT, text, 40);
        ws_put_frame(&stream, true, TSIO_WS_PING, text, 30 * i);
        ws_put_frame(&stream, true, TSIO_WS_CONTINUATION, text + 40, sizeof text - 1 - 40);
    }
    tsio_status status = TSIO_OK;
    for (size_t i = 0; i < stream.len && status == TSIO_OK; i++) {
        RETRY(tsio_conn_feed(&conn, stream.data + i, 1));
        while ((status = tsio_conn_next(&conn, 0, &event)) == TSIO_OK && event.kind != TSIO_CONN_NEED_MORE) {
            CHECK_EQ(event.kind, TSIO_CONN_TEXT);
            CHECK_BYTES(event.data, event.len, text, sizeof text - 1);
            messages++;
        }
    }
    if (status == TSIO_OK) {
        CHECK_EQ(messages, 3);
    } else {
        CHECK_EQ(status, TSIO_E_NO_MEMORY);
        CHECK(alloc_heal());
        failures++;
        CHECK_EQ(event.kind, TSIO_CONN_NEED_MORE);
        CHECK(conn.ws.input.data == NULL && conn.ws.message.data == NULL);
        CHECK_EQ(tsio_conn_feed(&conn, stream.data, stream.len), TSIO_OK);
        CHECK_EQ(tsio_conn_next(&conn, 0, &event), TSIO_E_NO_MEMORY);
    }
    tsio_conn_free(&conn);
}

/* Pong, messages and close frame come out whole and in order, at most late; the
 * close reason alone may be missing. */
static void take_all_kinds(void)
{
    static ws_stream stream;
    static const char pong[] = "\x8a\x01?", messages[] = "\x81\x02" "4a" "\x81\x02" "4b";
    uint8_t reason[120], close[127];
    tsio_conn conn;
    tsio_conn_event event;
    tsio_buf dst = {0};
    stream.len = 0;
    ws_put_frame(&stream, true, TSIO_WS_PING, "?", 1);
    RETRY(tsio_conn_init(&conn, BIG, 100, 100, BIG, TSIO_POLICY_DISCONNECT));
    RETRY(tsio_conn_feed(&conn, stream.data, stream.len));
    const bool ponged = tsio_conn_next(&conn, 0, &event) == TSIO_OK;
    if (!ponged) {
        CHECK(alloc_heal());
        failures++;
    }
    for (unsigned i = 0; i < 2; i++) {
        tsio_message *message = text_message(i == 0 ? "a" : "b");
        RETRY(tsio_outbox_push(&conn.outbox, message, 0));
        tsio_message_unref(message);
    }
    memset(reason, 'r', sizeof reason); /* so long that the buffer grows for it */
    tsio_conn_close(&conn, 1000, reason, sizeof reason);
    const bool reasoned = conn.ws.close_reason != NULL;
    if (!reasoned) {
        CHECK(alloc_heal());
        failures++;
    }
    while (tsio_conn_has_output(&conn))
        RETRY(tsio_conn_take(&conn, &dst, BIG));
    char expected[64];
    const size_t len = (size_t)snprintf(expected, sizeof expected, "%s%s", ponged ? pong : "", messages);
    CHECK(dst.len > len);
    CHECK(check_same(dst.data, expected, len));
    CHECK_BYTES(dst.data + len, dst.len - len, close,
                tsio_ws_close_build(close, 1000, reason, reasoned ? sizeof reason : 0));
    tsio_buf_free(&dst);
    tsio_conn_free(&conn);
}

static void adopt_in_the_middle(void)
{
    static ws_stream stream;
    tsio_conn session, candidate;
    tsio_conn_event event;
    stream.len = 0;
    ws_put_frame(&stream, true, TSIO_WS_PING, "?", 1);
    ws_put_frame(&stream, false, TSIO_WS_TEXT, "4begun", 6);
    RETRY(tsio_conn_init(&session, BIG, 100, 100, BIG, TSIO_POLICY_DISCONNECT));
    RETRY(tsio_conn_init(&candidate, BIG, 100, 100, BIG, TSIO_POLICY_DISCONNECT));
    RETRY(tsio_conn_feed(&candidate, stream.data, stream.len));
    const tsio_status status = tsio_conn_next(&candidate, 0, &event);
    tsio_conn_adopt(&session, &candidate);
    if (status != TSIO_OK) {
        CHECK_EQ(status, TSIO_E_NO_MEMORY);
        CHECK(alloc_heal());
        failures++;
    }
    CHECK_EQ(tsio_conn_next(&session, 0, &event), status); /* the failure moves as well */
    tsio_conn_free(&candidate);
    tsio_conn_free(&session);
}

/* What was taken when memory fails is not to be lost by an error status. */
static void take_gives_what_it_could(void)
{
    static ws_stream stream;
    static const uint8_t blob[200] = {7};
    tsio_conn conn;
    tsio_conn_event event;
    tsio_buf dst = {0};
    tsio_message *message = new_message(0);
    CHECK_EQ(tsio_message_add_binary(message, blob, sizeof blob), TSIO_OK);
    stream.len = 0;
    ws_put_frame(&stream, true, TSIO_WS_PING, "?", 1);
    RETRY(tsio_conn_init(&conn, BIG, 100, 100, BIG, TSIO_POLICY_DISCONNECT));
    CHECK_EQ(tsio_conn_feed(&conn, stream.data, stream.len), TSIO_OK);
    CHECK_EQ(tsio_conn_next(&conn, 0, &event), TSIO_OK);
    CHECK_EQ(tsio_outbox_push(&conn.outbox, message, 0), TSIO_OK);
    alloc_fail(2, true);
    CHECK_EQ(tsio_conn_take(&conn, &dst, BIG), TSIO_OK);
    CHECK_BYTES(dst.data, dst.len, "\x8a\x01?", 3);
    CHECK_EQ(tsio_conn_take(&conn, &dst, BIG), TSIO_E_NO_MEMORY);
    CHECK_EQ(dst.len, 3);
    CHECK(alloc_heal());
    CHECK_EQ(tsio_conn_take(&conn, &dst, BIG), TSIO_OK);
    CHECK_BYTES(dst.data + 3, dst.len - 3, message->ws.data, message->ws.len);
    tsio_message_unref(message);
    tsio_buf_free(&dst);
    tsio_conn_free(&conn);
    CHECK_EQ(alloc_live, 0);
}

/* --- all of them ---------------------------------------------------------- */

static void fail_each(const char *name, void (*scenario)(void), size_t least)
{
    for (unsigned rest = 0; rest < 2; rest++) {
        size_t n = 1;
        for (bool hit = true; hit; n++) {
            failures = 0;
            alloc_fail(n, rest != 0);
            scenario();
            hit = alloc_heal() || failures > 0; /* a take may have got by with less */
            CHECK_EQ(alloc_live, 0);
        }
        if (n <= least)
            CHECK_FAIL("%s: only %zu allocations were made to fail", name, n - 2);
    }
}

int main(void)
{
    alloc_install();
    fail_each("build_and_encode", build_and_encode, 5);
    fail_each("push_and_take_ws", push_and_take_ws, 2 * MESSAGES);
    fail_each("push_and_take_polling", push_and_take_polling, 3 * MESSAGES);
    fail_each("push_and_take_revision3", push_and_take_revision3, 12);
    fail_each("push_that_may_drop", push_that_may_drop, 5);
    fail_each("feed_and_next", feed_and_next, 100);
    fail_each("take_all_kinds", take_all_kinds, 9);
    fail_each("adopt_in_the_middle", adopt_in_the_middle, 3);
    take_gives_what_it_could();
    return check_done("alloc");
}
