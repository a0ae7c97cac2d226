/* What a connection has to send, and in which order. */
#include "conn_help.h"

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

int main(void)
{
    alloc_install();
    pong_then_messages_then_close();
    nothing_is_sent_after_close();
    close_frame_holds_any_reason();
    CHECK_EQ(alloc_live, 0);
    return check_done("conn_out");
}
