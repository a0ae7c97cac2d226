/* What a client sends, and what its connection makes of it. */
#include "conn_help.h"

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

static void every_ping_is_answered(void)
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
    check_take(&conn, BIG, "\x8a\x03" "one" "\x8a\0" "\x8a\x05" "three", 14);
    CHECK(!tsio_conn_has_output(&conn));
    check_take(&conn, BIG, "", 0);
    put(TSIO_WS_PING, "");
    feed(&conn);
    check_idle(&conn);
    check_take(&conn, BIG, "\x8a\0", 2);
    finish(&conn);
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
    every_ping_is_answered();
    CHECK_EQ(alloc_live, 0);
    return check_done("conn_in");
}
