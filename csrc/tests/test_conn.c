#include "alloc_help.h"
#include "conn.h"
#include "ws_help.h"

#include <math.h>

enum { BIG = 1 << 20 };

static ws_stream stream; /* what the client sends */

static void start(tsio_conn *conn)
{
    tsio_conn_init(conn, BIG, 100, 100, BIG, TSIO_POLICY_DISCONNECT);
    stream.len = 0;
}

static void finish(tsio_conn *conn)
{
    tsio_conn_free(conn);
    CHECK_EQ(alloc_live, 0);
}

static void put(uint8_t opcode, const char *payload)
{
    ws_put_frame(&stream, true, opcode, payload, strlen(payload));
}

static void put_close(uint16_t code, const char *reason)
{
    uint8_t payload[125] = {(uint8_t)(code >> 8), (uint8_t)code};
    memcpy(payload + 2, reason, strlen(reason));
    ws_put_frame(&stream, true, TSIO_WS_CLOSE, payload, 2 + strlen(reason));
}

/* Feeds what was put, and starts the stream anew. */
static void feed(tsio_conn *conn)
{
    CHECK_EQ(tsio_conn_feed(conn, stream.data, stream.len), TSIO_OK);
    stream.len = 0;
}

static void check_next(tsio_conn *conn, tsio_conn_event_kind kind, const char *data)
{
    tsio_conn_event event;
    CHECK_EQ(tsio_conn_next(conn, 0, &event), TSIO_OK);
    CHECK_EQ(event.kind, kind);
    CHECK(event.data != NULL);
    CHECK_BYTES(event.data, event.len, data, strlen(data));
}

static void check_idle(tsio_conn *conn)
{
    check_next(conn, TSIO_CONN_NEED_MORE, "");
    check_next(conn, TSIO_CONN_NEED_MORE, "");
}

static void check_fails(tsio_conn *conn, tsio_status expected)
{
    tsio_conn_event event;
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(tsio_conn_next(conn, 0, &event), expected);
        CHECK(event.kind == TSIO_CONN_NEED_MORE && event.data != NULL && event.len == 0);
        put(TSIO_WS_TEXT, "ignored");
        feed(conn);
    }
}

static void check_take(tsio_conn *conn, size_t max_bytes, const void *expected, size_t expected_len)
{
    tsio_buf dst = {0};
    CHECK_EQ(tsio_conn_take(conn, &dst, max_bytes), TSIO_OK);
    CHECK_BYTES(dst.data, dst.len, expected, expected_len);
    tsio_buf_free(&dst);
}

static void push(tsio_conn *conn, const char *text, tsio_status expected)
{
    tsio_message *message = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_text(message, '4', (const uint8_t *)text, strlen(text)), TSIO_OK);
    CHECK_EQ(tsio_outbox_push(&conn->outbox, message, 0), expected);
    tsio_message_unref(message);
}

/* --- inbound ------------------------------------------------------------- */

static void gives_whole_messages(void)
{
    tsio_conn conn;
    start(&conn);
    CHECK_EQ(alloc_live, FRONTS);
    check_idle(&conn);
    put(TSIO_WS_TEXT, "40");
    put(TSIO_WS_BINARY, "\xff\xfe");
    put(TSIO_WS_TEXT, "");
    put(TSIO_WS_BINARY, "");
    feed(&conn);
    check_next(&conn, TSIO_CONN_TEXT, "40");
    check_next(&conn, TSIO_CONN_BINARY, "\xff\xfe");
    check_next(&conn, TSIO_CONN_TEXT, "");
    check_next(&conn, TSIO_CONN_BINARY, "");
    check_idle(&conn);
    CHECK_EQ(alloc_live, FRONTS);
    finish(&conn);
}

static void whole_message_is_not_copied(void)
{
    tsio_conn conn;
    tsio_conn_event event;
    start(&conn);
    put(TSIO_WS_TEXT, "4hello");
    feed(&conn);
    const size_t calls = alloc_calls;
    CHECK_EQ(tsio_conn_next(&conn, 0, &event), TSIO_OK);
    CHECK_EQ(alloc_calls, calls);
    CHECK(event.data >= conn.ws.input.data && event.data < conn.ws.input.data + conn.ws.input.len);
    finish(&conn); /* with data handed out */
}

static void fragments_become_one_message(void)
{
    tsio_conn conn;
    start(&conn);
    ws_put_frame(&stream, false, TSIO_WS_TEXT, "", 0);
    ws_put_frame(&stream, false, TSIO_WS_CONTINUATION, "4he", 3);
    put(TSIO_WS_PING, "inside");
    ws_put_frame(&stream, true, TSIO_WS_CONTINUATION, "llo", 3);
    put(TSIO_WS_TEXT, "next");
    ws_put_frame(&stream, false, TSIO_WS_BINARY, "a", 1);
    ws_put_frame(&stream, true, TSIO_WS_CONTINUATION, "", 0);
    feed(&conn);
    check_next(&conn, TSIO_CONN_TEXT, "4hello");
    check_next(&conn, TSIO_CONN_TEXT, "next");
    check_next(&conn, TSIO_CONN_BINARY, "a");
    check_idle(&conn);
    check_take(&conn, BIG, "\x8a\x06inside", 8);
    CHECK_EQ(alloc_live, FRONTS);
    finish(&conn);
}

static void feeds_may_pile_up(void)
{
    tsio_conn conn;
    start(&conn);
    put(TSIO_WS_TEXT, "a");
    put(TSIO_WS_TEXT, "b");
    feed(&conn);
    check_next(&conn, TSIO_CONN_TEXT, "a");
    put(TSIO_WS_TEXT, "c");
    feed(&conn); /* before "b" was asked for */
    CHECK_EQ(tsio_conn_feed(&conn, NULL, 0), TSIO_OK);
    check_next(&conn, TSIO_CONN_TEXT, "b");
    check_next(&conn, TSIO_CONN_TEXT, "c");
    check_idle(&conn);
    finish(&conn);
}

static void nothing_comes_after_close(void)
{
    tsio_conn conn;
    tsio_conn_event event;
    start(&conn);
    put(TSIO_WS_TEXT, "last");
    put_close(4001, "bye");
    put(TSIO_WS_TEXT, "late");
    feed(&conn);
    check_next(&conn, TSIO_CONN_TEXT, "last");
    CHECK_EQ(tsio_conn_next(&conn, 0, &event), TSIO_OK);
    CHECK_EQ(event.kind, TSIO_CONN_CLOSE);
    CHECK_EQ(event.close_code, 4001);
    CHECK_BYTES(event.data, event.len, "bye", 3);
    CHECK(conn.ws.close_received);
    check_idle(&conn);
    put(TSIO_WS_TEXT, "later");
    feed(&conn);
    check_idle(&conn);
    CHECK_EQ(alloc_live, FRONTS);
    finish(&conn);
}

static void close_without_code_is_1005(void)
{
    tsio_conn conn;
    tsio_conn_event event;
    start(&conn);
    ws_put_frame(&stream, false, TSIO_WS_TEXT, "never ended", 11);
    put(TSIO_WS_CLOSE, "");
    feed(&conn);
    CHECK_EQ(tsio_conn_next(&conn, 0, &event), TSIO_OK);
    CHECK(event.kind == TSIO_CONN_CLOSE && event.close_code == 1005 && event.len == 0 && event.data != NULL);
    check_idle(&conn);
    CHECK_EQ(alloc_live, FRONTS);
    finish(&conn);
}

static void error_comes_after_what_was_right_and_stays(void)
{
    tsio_conn conn;
    start(&conn);
    put(TSIO_WS_TEXT, "good");
    ws_put_frame(&stream, false, TSIO_WS_TEXT, "part", 4);
    put(TSIO_WS_TEXT, "no continuation");
    feed(&conn);
    check_next(&conn, TSIO_CONN_TEXT, "good");
    check_fails(&conn, TSIO_E_EXPECTED_CONTINUATION);
    CHECK_EQ(alloc_live, FRONTS);
    finish(&conn);
}

static void limits_reach_the_reader(void)
{
    tsio_conn conn;
    stream.len = 0;
    tsio_conn_init(&conn, 4, 2, 100, BIG, TSIO_POLICY_DISCONNECT);
    put(TSIO_WS_TEXT, "1234");
    put(TSIO_WS_TEXT, "12345");
    feed(&conn);
    check_next(&conn, TSIO_CONN_TEXT, "1234");
    check_fails(&conn, TSIO_E_MESSAGE_TOO_BIG);
    finish(&conn);

    stream.len = 0;
    tsio_conn_init(&conn, 4, 2, 100, BIG, TSIO_POLICY_DISCONNECT);
    for (unsigned i = 0; i < 3; i++)
        ws_put_frame(&stream, i == 2, i == 0 ? TSIO_WS_TEXT : TSIO_WS_CONTINUATION, "x", 1);
    feed(&conn);
    check_fails(&conn, TSIO_E_TOO_MANY_FRAGMENTS);
    finish(&conn);
}

/* A header may announce what it likes; memory is for bytes that came. */
static void nothing_is_allocated_for_an_announced_length(void)
{
    tsio_conn conn;
    tsio_conn_init(&conn, UINT64_MAX, 100, 100, BIG, TSIO_POLICY_DISCONNECT);
    stream.len = 0;
    ws_put_header(&stream, 0x82, 0x80 | 127, UINT64_C(1) << 40, 8);
    ws_put(&stream, "\0\0\0\0abc", 7);
    feed(&conn);
    check_idle(&conn);
    CHECK(conn.ws.message.cap < 1000);
    finish(&conn);
}

static void newest_ping_is_answered(void)
{
    tsio_conn conn;
    start(&conn);
    put(TSIO_WS_PING, "one");
    put(TSIO_WS_PONG, "whatever");
    put(TSIO_WS_PING, "");
    feed(&conn);
    check_idle(&conn);
    CHECK(tsio_conn_has_output(&conn));
    put(TSIO_WS_PING, "three");
    feed(&conn);
    check_idle(&conn);
    check_take(&conn, BIG, "\x8a\x05three", 7);
    CHECK(!tsio_conn_has_output(&conn));
    check_take(&conn, BIG, "", 0);
    put(TSIO_WS_PING, "");
    feed(&conn);
    check_idle(&conn);
    check_take(&conn, BIG, "\x8a\0", 2);
    finish(&conn);
}

/* --- outbound ------------------------------------------------------------ */

static void pong_then_messages_then_close(void)
{
    tsio_conn conn;
    start(&conn);
    CHECK(!tsio_conn_has_output(&conn));
    push(&conn, "a", TSIO_OK);
    push(&conn, "b", TSIO_OK);
    push(&conn, "c", TSIO_OK);
    tsio_conn_close(&conn, 1000, (const uint8_t *)"bye", 3);
    put(TSIO_WS_PING, "?");
    feed(&conn);
    check_idle(&conn);
    push(&conn, "late", TSIO_E_DROPPED);
    check_take(&conn, 7, "\x8a\x01?" "\x81\x02" "4a", 7);
    check_take(&conn, 1, "\x81\x02" "4b", 4);
    CHECK(!conn.ws.close_sent);
    check_take(&conn, 1, "\x81\x02" "4c" "\x88\x05\x03\xe8" "bye", 11);
    CHECK(conn.ws.close_sent);
    CHECK(!tsio_conn_has_output(&conn));
    finish(&conn);
}

static void nothing_is_sent_after_close(void)
{
    tsio_conn conn;
    start(&conn);
    tsio_conn_close(&conn, 1001, NULL, 0);
    CHECK(tsio_conn_has_output(&conn));
    tsio_conn_close(&conn, 4000, (const uint8_t *)"again", 5); /* only the first one counts */
    check_take(&conn, 0, "\x88\x02\x03\xe9", 4);
    tsio_conn_close(&conn, 1000, NULL, 0);
    put(TSIO_WS_PING, "?");
    put(TSIO_WS_TEXT, "still read");
    feed(&conn);
    check_next(&conn, TSIO_CONN_TEXT, "still read");
    check_idle(&conn);
    CHECK_EQ(alloc_live, FRONTS); /* no pong that could never be sent */
    tsio_message *message = tsio_message_new(0, 0);
    tsio_message_add_text(message, '1', NULL, 0);
    CHECK_EQ(tsio_outbox_push(&conn.outbox, message, TSIO_SEND_PROTECTED), TSIO_OK);
    tsio_message_unref(message);
    CHECK(!tsio_conn_has_output(&conn));
    check_take(&conn, BIG, "", 0);
    finish(&conn);
}

static void close_frame_holds_any_reason(void)
{
    uint8_t reason[200], expected[127];
    memset(reason, 'r', sizeof reason);
    for (size_t len = 0; len < sizeof reason; len += len < 8 ? 1 : 23) {
        tsio_conn conn;
        start(&conn);
        tsio_conn_close(&conn, 3000, reason, len);
        check_take(&conn, BIG, expected, tsio_ws_close_build(expected, 3000, reason, len));
        finish(&conn);
    }
    tsio_conn conn;
    start(&conn);
    tsio_conn_close(&conn, 1005, reason, 10);
    check_take(&conn, BIG, "\x88\0", 2);
    finish(&conn);
    start(&conn);
    tsio_conn_close(&conn, 3000, reason, 10);
    finish(&conn); /* never taken */
}

/* --- adoption ------------------------------------------------------------ */

static void session_adopts_the_websocket(void)
{
    tsio_conn session, candidate;
    tsio_conn_event event;
    start(&candidate);
    start(&session);
    push(&session, "kept", TSIO_OK);
    put(TSIO_WS_PING, "p");
    put(TSIO_WS_TEXT, "5");
    put(TSIO_WS_TEXT, "4behind");
    ws_put_frame(&stream, false, TSIO_WS_TEXT, "4cut", 4);
    ws_put_header(&stream, 0x80, 0x80 | 5, 0, 0);
    feed(&candidate);
    CHECK_EQ(tsio_conn_next(&candidate, 0, &event), TSIO_OK);
    tsio_conn_adopt(&session, &candidate);
    CHECK_BYTES(event.data, event.len, "5", 1); /* lives on */
    check_idle(&candidate);
    CHECK(!tsio_conn_has_output(&candidate));
    tsio_conn_free(&candidate);

    check_next(&session, TSIO_CONN_TEXT, "4behind");
    check_idle(&session);
    ws_put(&stream, "\0\0\0\0 here", 9);
    feed(&session);
    check_next(&session, TSIO_CONN_TEXT, "4cut here");
    check_take(&session, BIG, "\x8a\x01p" "\x81\x05" "4kept", 10);
    finish(&session);
}

static void adoption_moves_the_end_of_a_websocket(void)
{
    tsio_conn session, candidate;
    start(&session);
    start(&candidate);
    put(TSIO_WS_CLOSE, "");
    feed(&candidate);
    check_next(&candidate, TSIO_CONN_CLOSE, "");
    tsio_conn_close(&candidate, 1000, (const uint8_t *)"reason", 6);
    tsio_conn_adopt(&session, &candidate);
    put(TSIO_WS_TEXT, "late");
    feed(&session);
    check_idle(&session);
    push(&session, "late", TSIO_E_DROPPED);
    check_take(&session, BIG, "\x88\x08\x03\xe8reason", 10);
    tsio_conn_adopt(&session, &candidate); /* a fresh one: the old state goes */
    put(TSIO_WS_TEXT, "new");
    feed(&session);
    check_next(&session, TSIO_CONN_TEXT, "new");
    tsio_conn_free(&candidate);
    finish(&session);
}

/* --- any split gives the same -------------------------------------------- */

static ws_outcome expected, found;
static check_rng rng = {11};

static void log_event(ws_outcome *outcome, const tsio_conn_event *event)
{
    static const char letters[] = {0, 'T', 'B', 'c'};
    ws_log(outcome, letters[event->kind], event->close_code, event->data, event->len);
}

/* Random ASCII, which is valid in text and in any split of it. */
static void put_random_message(void)
{
    static uint8_t payload[3000];
    const size_t len = check_below(&rng, check_below(&rng, 8) == 0 ? sizeof payload : 140);
    const bool text = check_below(&rng, 2) == 0;
    for (size_t i = 0; i < len; i++)
        payload[i] = (uint8_t)(check_random(&rng) & (text ? 0x7f : 0xff));
    const uint8_t opcode = text ? TSIO_WS_TEXT : TSIO_WS_BINARY;
    const size_t fragments = 1 + (check_below(&rng, 3) == 0 ? check_below(&rng, 5) : 0);
    size_t at = 0;
    for (size_t i = 0; i < fragments; i++) {
        const bool fin = i + 1 == fragments;
        const size_t count = fin ? len - at : check_below(&rng, len - at + 1);
        ws_put_frame(&stream, fin, i == 0 ? opcode : TSIO_WS_CONTINUATION, payload + at, count);
        at += count;
        if (!fin && check_below(&rng, 4) == 0)
            put(check_below(&rng, 2) == 0 ? TSIO_WS_PING : TSIO_WS_PONG, "within");
    }
    const bool answer = text && len == 1 && payload[0] == '3';
    if (!answer)
        ws_log(&expected, text ? 'T' : 'B', 0, payload, len);
}

static void put_random_stream(void)
{
    memset(&expected, 0, offsetof(ws_outcome, message));
    expected.log_len = 0;
    expected.status = TSIO_OK;
    stream.len = 0;
    for (size_t count = check_below(&rng, 20); count > 0; count--) {
        const size_t what = check_below(&rng, 10);
        if (what < 7)
            put_random_message();
        else if (what == 7)
            put(TSIO_WS_PING, count % 2 == 0 ? "even" : "");
        else if (what == 8)
            put(TSIO_WS_TEXT, "3");
        else
            put(TSIO_WS_PONG, "unasked");
    }
    const size_t end = check_below(&rng, 4);
    if (end == 0) {
        put(13, "reserved");
        expected.status = TSIO_E_RESERVED_OPCODE;
    } else if (end == 1) {
        ws_put_frame(&stream, false, TSIO_WS_TEXT, "4\xc3", 2);
        ws_put_frame(&stream, true, TSIO_WS_CONTINUATION, "\xff", 1);
        expected.status = TSIO_E_INVALID_UTF8;
    } else if (end == 2) {
        put_close(1001, "away");
        ws_log(&expected, 'c', 1001, (const uint8_t *)"away", 4);
    }
    if (end < 3)
        put(TSIO_WS_TEXT, "ignored");
}

/* Feeds pieces of at most `piece_max` bytes (0: all at once) and logs what comes out. */
static void read_in_pieces(size_t piece_max, tsio_buf *output)
{
    tsio_wheel *wheel = malloc(sizeof *wheel);
    tsio_conn conn;
    CHECK(wheel != NULL);
    tsio_wheel_init(wheel, 1, 0);
    tsio_conn_init(&conn, BIG, 100, 100, BIG, TSIO_POLICY_DISCONNECT);
    tsio_conn_heartbeat_start(&conn, wheel, 0, 25, 20);
    found.log_len = 0;
    found.status = TSIO_OK;
    for (size_t at = 0, len; at < stream.len; at += len) {
        tsio_conn_event event;
        len = piece_max == 0 ? stream.len : 1 + check_below(&rng, piece_max);
        len = len < stream.len - at ? len : stream.len - at;
        uint8_t *block = check_block(stream.data + at, len);
        CHECK_EQ(tsio_conn_feed(&conn, block, len), TSIO_OK);
        check_block_free(block, len);
        do {
            found.status = tsio_conn_next(&conn, 1, &event);
            if (event.kind != TSIO_CONN_NEED_MORE)
                log_event(&found, &event);
        } while (event.kind != TSIO_CONN_NEED_MORE);
        CHECK(conn.ws.input.data == NULL);
    }
    CHECK(conn.ws.message.data == NULL); /* the stream ends with a whole message */
    tsio_buf_clear(output);
    CHECK_EQ(tsio_conn_take(&conn, output, BIG), TSIO_OK);
    tsio_conn_detach(&conn, wheel);
    tsio_conn_free(&conn);
    free(wheel);
}

static void any_split_gives_the_same(void)
{
    for (unsigned round = 0; round < 300; round++) {
        tsio_buf whole = {0}, split = {0};
        put_random_stream();
        read_in_pieces(0, &whole);
        ws_check_same(&found, &expected);
        for (size_t piece_max = 1; piece_max < 4000; piece_max = piece_max * 4 + 1) {
            read_in_pieces(piece_max, &split);
            ws_check_same(&found, &expected);
            CHECK_BYTES(split.data, split.len, whole.data, whole.len); /* the same pong */
        }
        tsio_buf_free(&whole);
        tsio_buf_free(&split);
        CHECK_EQ(alloc_live, 0);
    }
}

int main(void)
{
    alloc_install();
    gives_whole_messages();
    whole_message_is_not_copied();
    fragments_become_one_message();
    feeds_may_pile_up();
    nothing_comes_after_close();
    close_without_code_is_1005();
    error_comes_after_what_was_right_and_stays();
    limits_reach_the_reader();
    nothing_is_allocated_for_an_announced_length();
    newest_ping_is_answered();
    pong_then_messages_then_close();
    nothing_is_sent_after_close();
    close_frame_holds_any_reason();
    session_adopts_the_websocket();
    adoption_moves_the_end_of_a_websocket();
    any_split_gives_the_same();
    CHECK_EQ(alloc_live, 0);
    return check_done("conn");
}
