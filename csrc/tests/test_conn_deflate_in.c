/* Compressed messages that a client sends, valid and invalid. */
#include "conn_deflate_help.h"

static void check_run(tsio_conn *conn, tsio_conn_event_kind kind, char byte, size_t len)
{
    char expected[MAX + 1] = {0};
    memset(expected, byte, len);
    check_next(conn, kind, expected);
}

static void fails_with(uint8_t opcode, const uint8_t *payload, size_t len, tsio_status expected)
{
    tsio_conn conn;
    open_conn(&conn);
    put_payload(opcode, payload, len, BIG);
    feed(&conn);
    check_fails(&conn, expected);
    CHECK(conn.ws.message.data == NULL);
    end(&conn);
}

static void compressed_messages_are_inflated(void)
{
    tsio_conn conn;
    open_conn(&conn);
    put_run(TSIO_WS_TEXT, 'a', 500, BIG);
    put(TSIO_WS_TEXT, "not compressed");
    put_run(TSIO_WS_BINARY, 'b', 700, BIG);
    put_payload(TSIO_WS_TEXT, BYTES(THREE), BIG);
    put_payload(TSIO_WS_TEXT, BYTES("\x00"), BIG); /* an empty message, in either way */
    put_payload(TSIO_WS_BINARY, (const uint8_t *)"", 0, BIG);
    feed(&conn);
    check_run(&conn, TSIO_CONN_TEXT, 'a', 500);
    check_next(&conn, TSIO_CONN_TEXT, "not compressed");
    check_run(&conn, TSIO_CONN_BINARY, 'b', 700);
    check_next(&conn, TSIO_CONN_TEXT, "3"); /* while there is no heartbeat */
    check_next(&conn, TSIO_CONN_TEXT, "");
    check_next(&conn, TSIO_CONN_BINARY, "");
    check_idle(&conn);
    CHECK(conn.ws.message.data == NULL && conn.ws.input.data == NULL);
    end(&conn);
}

/* Byte by byte, in fragments, and with a ping between them. */
static void compressed_messages_come_in_pieces(void)
{
    tsio_conn conn;
    open_conn(&conn);
    put_run(TSIO_WS_TEXT, 'a', 900, 3);
    put_run(TSIO_WS_TEXT, 'b', MAX, BIG);
    const size_t len = stream.len;
    tsio_conn_event event;
    size_t seen = 0;
    for (size_t i = 0; i < len; i++) {
        CHECK_EQ(tsio_conn_feed(&conn, stream.data + i, 1), TSIO_OK);
        CHECK_EQ(tsio_conn_next(&conn, 0, &event), TSIO_OK);
        if (event.kind == TSIO_CONN_NEED_MORE)
            continue;
        CHECK(event.kind == TSIO_CONN_TEXT && event.len == (seen == 0 ? 900 : MAX));
        CHECK(event.data[0] == (seen == 0 ? 'a' : 'b') && event.data[event.len - 1] == event.data[0]);
        seen++;
    }
    CHECK_EQ(seen, 2);
    stream.len = 0;
    ws_put_frame(&stream, false, TSIO_WS_RSV1 | TSIO_WS_TEXT, "\x32", 1);
    put(TSIO_WS_PING, "?");
    ws_put_frame(&stream, true, TSIO_WS_CONTINUATION, "\x06\x00", 2);
    feed(&conn);
    check_next(&conn, TSIO_CONN_TEXT, "3");
    check_idle(&conn);
    check_take(&conn, BIG, "\x8a\x01?", 3);
    end(&conn);
}

static void limit_counts_what_was_inflated(void)
{
    tsio_conn conn;
    for (uint8_t opcode = TSIO_WS_TEXT; opcode <= TSIO_WS_BINARY; opcode++) {
        open_conn(&conn);
        put_run(opcode, 'x', MAX, BIG);
        put_run(opcode, 'y', MAX + 1, BIG);
        feed(&conn);
        check_run(&conn, opcode == TSIO_WS_TEXT ? TSIO_CONN_TEXT : TSIO_CONN_BINARY, 'x', MAX);
        check_fails(&conn, TSIO_E_MESSAGE_TOO_BIG);
        end(&conn);
    }
}

/* A stored block has five bytes in front of it, and so has what ends the message. */
static void incompressible_message_of_the_limit(void)
{
    tsio_conn conn;
    static uint8_t stored[5 + MAX + 1] = {0, MAX & 255, MAX >> 8, 255 - (MAX & 255), 255 - (MAX >> 8)};
    memset(stored + 5, 'z', MAX);
    open_conn(&conn);
    put_payload(TSIO_WS_BINARY, stored, sizeof stored, BIG);
    feed(&conn);
    check_run(&conn, TSIO_CONN_BINARY, 'z', MAX);
    end(&conn);
}

/* The limits of what is sent hold, too, before anything is inflated. */
static void limits_of_what_was_compressed(void)
{
    tsio_conn conn;
    static const uint8_t garbage[2 * MAX];
    open_conn(&conn);
    put_payload(TSIO_WS_BINARY, garbage, MAX + MAX / 8 + 65, BIG);
    stream.len = 8; /* its head is enough */
    feed(&conn);
    check_fails(&conn, TSIO_E_MESSAGE_TOO_BIG);
    end(&conn);
    open_conn(&conn);
    put_payload(TSIO_WS_BINARY, garbage, 6, 1);
    feed(&conn);
    check_fails(&conn, TSIO_E_TOO_MANY_FRAGMENTS);
    end(&conn);
}

static void broken_messages_fail_the_connection(void)
{
    fails_with(TSIO_WS_BINARY, BYTES("\xff\xff\xff"), TSIO_E_INFLATE);
    fails_with(TSIO_WS_TEXT, BYTES("\x32"), TSIO_E_INFLATE);              /* cut off */
    fails_with(TSIO_WS_TEXT, BYTES(THREE "\x07"), TSIO_E_INFLATE);        /* and more behind it */
    fails_with(TSIO_WS_TEXT, BYTES("\x00\x01\x00\xfe\xff\xff\x00"), TSIO_E_INVALID_UTF8);
    fails_with(TSIO_WS_TEXT, BYTES("\x00\x02\x00\xfd\xff\xe2\x82\x00"), TSIO_E_INVALID_UTF8); /* half a character */
}

/* A character may be cut where a frame ends: UTF-8 is a matter of what was inflated. */
static void text_is_judged_as_a_whole(void)
{
    tsio_conn conn;
    open_conn(&conn);
    put_payload(TSIO_WS_TEXT, BYTES("\x00\x03\x00\xfc\xff\xe2\x82\xac\x00"), 6);
    put_payload(TSIO_WS_BINARY, BYTES("\x00\x01\x00\xfe\xff\xff\x00"), BIG);
    feed(&conn);
    check_next(&conn, TSIO_CONN_TEXT, "\xe2\x82\xac");
    check_next(&conn, TSIO_CONN_BINARY, "\xff");
    end(&conn);
}

static void reserved_bits(void)
{
    static const uint8_t bad[] = {
        0x40 | TSIO_WS_CONTINUATION, 0x40 | TSIO_WS_PING, 0x40 | TSIO_WS_PONG, 0x40 | TSIO_WS_CLOSE,
        0x20 | TSIO_WS_TEXT,         0x50 | TSIO_WS_TEXT, 0x10 | TSIO_WS_TEXT,
    };
    tsio_conn conn;
    for (size_t i = 0; i < sizeof bad; i++) {
        open_conn(&conn);
        if (bad[i] == 0x40)
            ws_put_frame(&stream, false, TSIO_WS_RSV1 | TSIO_WS_TEXT, "\x32", 1);
        put(bad[i], "");
        feed(&conn);
        check_fails(&conn, TSIO_E_RESERVED_BITS);
        end(&conn);
    }
    open_conn(&conn);
    tsio_conn_set_dialect(&conn, NULL); /* nothing was agreed upon after all */
    put_payload(TSIO_WS_TEXT, BYTES(THREE), BIG);
    feed(&conn);
    check_fails(&conn, TSIO_E_RESERVED_BITS);
    end(&conn);
}

static void compressed_heartbeat_answer(void)
{
    tsio_conn conn;
    tsio_wheel wheel;
    tsio_conn_event event;
    open_conn(&conn);
    tsio_wheel_init(&wheel, 1.0 / 16, 100);
    tsio_conn_heartbeat_start(&conn, &wheel, 100, 25, 20);
    CHECK(tsio_conn_expired(&wheel, 126) == &conn);
    CHECK_EQ(tsio_conn_on_timer(&conn, &wheel, 126), TSIO_TIMER_PING);
    CHECK_EQ(conn.hb_state, TSIO_HB_PING_QUEUED);
    put_payload(TSIO_WS_TEXT, BYTES(THREE), BIG);
    feed(&conn);
    CHECK_EQ(tsio_conn_next(&conn, 127, &event), TSIO_OK);
    CHECK_EQ(event.kind, TSIO_CONN_NEED_MORE);
    CHECK_EQ(conn.hb_state, TSIO_HB_WAIT_PING);
    CHECK(conn.ping_at == 152);
    tsio_conn_detach(&conn, &wheel);
    end(&conn);
}

int main(void)
{
    alloc_install();
    compressed_messages_are_inflated();
    compressed_messages_come_in_pieces();
    limit_counts_what_was_inflated();
    incompressible_message_of_the_limit();
    limits_of_what_was_compressed();
    broken_messages_fail_the_connection();
    text_is_judged_as_a_whole();
    reserved_bits();
    compressed_heartbeat_answer();
    CHECK_EQ(alloc_live, 0);
    return check_done("conn_deflate_in");
}
