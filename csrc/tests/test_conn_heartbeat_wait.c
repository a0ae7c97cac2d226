/* How long the heartbeat waits for an answer, and what prolongs the wait. */
#include "timer_help.h"

static void receive_part(size_t len)
{
    static ws_stream stream;
    static char text[TSIO_LIFE_BYTES];
    tsio_conn_event event;
    memset(text, '4', sizeof text);
    stream.len = 0;
    ws_put_frame(&stream, false, conn.ws.reader.message_opcode != 0 ? TSIO_WS_CONTINUATION : TSIO_WS_TEXT, text, len);
    CHECK_EQ(tsio_conn_feed(&conn, stream.data, stream.len), TSIO_OK);
    CHECK_EQ(tsio_conn_next(&conn, now, &event), TSIO_OK);
    CHECK_EQ(event.kind, TSIO_CONN_NEED_MORE);
}

/* Until the layer above has stopped the heartbeat, what comes after the deadline counts. */
static void late_answer_counts_before_the_end(void)
{
    start(25, 20);
    check_timer(125, TSIO_TIMER_PING);
    check_timer(145, TSIO_TIMER_PING_TIMEOUT);
    receive("3", TSIO_CONN_NEED_MORE);
    CHECK(!conn.hb_overdue);
    check_timer(170, TSIO_TIMER_PING);
    check_timer(190, TSIO_TIMER_PING_TIMEOUT);
    now = 191;
    receive("4x", TSIO_CONN_TEXT);
    CHECK(!conn.hb_overdue);
    check_timer(191, TSIO_TIMER_PING); /* it has seen none since 170 */
    check_timer(211, TSIO_TIMER_PING_TIMEOUT);
    finish();
}

static void wait_goes_on_if_the_layer_above_says_so(void)
{
    start(25, 20);
    check_timer(125, TSIO_TIMER_PING);
    check_timer(145, TSIO_TIMER_PING_TIMEOUT);
    tsio_conn_wait_on(&conn, &wheel, now, now + 10);
    CHECK(conn.hb_waited && !conn.hb_overdue);
    check_timer(145, TSIO_TIMER_PING);
    check_timer(155, TSIO_TIMER_PING_TIMEOUT);
    CHECK(conn.hb_waited);
    now = 156;
    receive("3", TSIO_CONN_NEED_MORE);
    CHECK(!conn.hb_waited);
    finish();
}

/* The client is there, and its answer stands behind what it sends. P11 */
static void each_message_starts_the_wait_anew(void)
{
    start(25, 20);
    receive("4before", TSIO_CONN_TEXT); /* no ping is out: no matter */
    check_timer(125, TSIO_TIMER_PING);
    now = 140;
    receive("4not an answer", TSIO_CONN_TEXT);
    check_timer(145, TSIO_TIMER_PING); /* or the client would see none for too long */
    now = 159;
    receive("4nor is this", TSIO_CONN_TEXT);
    check_timer(165, TSIO_TIMER_PING);
    now = 178;
    tsio_conn_heard(&conn, &wheel, now); /* by polling */
    check_timer(185, TSIO_TIMER_PING);
    check_timer(198, TSIO_TIMER_PING_TIMEOUT);
    finish();
}

/* P11 */
static void kilobyte_of_a_message_starts_the_wait_anew(void)
{
    start(25, 20);
    conn.ws.reader.max_message_bytes = 10000;
    check_timer(125, TSIO_TIMER_PING);
    now = 130;
    receive_part(1000);
    now = 140;
    receive_part(24);
    check_timer(145, TSIO_TIMER_PING);
    now = 159;
    receive_part(1024);
    check_timer(165, TSIO_TIMER_PING);
    now = 178;
    receive_part(1023);
    check_timer(179, TSIO_TIMER_PING_TIMEOUT);
    receive_part(1);
    CHECK(!conn.hb_overdue);
    finish();
}

static void half_a_message_puts_nothing_off(void)
{
    static ws_stream stream;
    tsio_conn_event event;
    start(25, 20);
    check_timer(125, TSIO_TIMER_PING);
    now = 140;
    stream.len = 0;
    ws_put_frame(&stream, false, TSIO_WS_TEXT, "4ha", 3);
    ws_put_frame(&stream, true, TSIO_WS_PING, "", 0);
    CHECK_EQ(tsio_conn_feed(&conn, stream.data, stream.len), TSIO_OK);
    CHECK_EQ(tsio_conn_next(&conn, now, &event), TSIO_OK);
    check_timer(145, TSIO_TIMER_PING_TIMEOUT);
    finish();
}

/* It stands behind others, which take their time. P11 */
static void wait_begins_when_the_ping_has_left(void)
{
    static uint8_t text[5000];
    tsio_message *large = tsio_message_new(0, 0), *ping = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_text(large, '4', text, sizeof text), TSIO_OK);
    CHECK_EQ(tsio_message_add_text(ping, '2', text, 0), TSIO_OK);
    start(25, 20);
    conn.open = true;
    CHECK_EQ(tsio_conn_send(&conn, large, 0), TSIO_OK);
    check_timer(125, TSIO_TIMER_PING);
    CHECK_EQ(tsio_conn_send(&conn, ping, TSIO_SEND_PROTECTED), TSIO_OK);
    tsio_message_unref(large);
    tsio_message_unref(ping);
    now = 138;
    tsio_conn_advance(&conn, 4000);
    CHECK(!tsio_conn_written(&conn, now));
    now = 139;
    tsio_conn_advance(&conn, conn.outbox.bytes - conn.outbox.head_sent);
    CHECK(tsio_conn_written(&conn, now));
    CHECK(!tsio_conn_written(&conn, now + 1));
    CHECK_EQ(conn.hb_state, TSIO_HB_WAIT_PONG);
    check_timer(145, TSIO_TIMER_PING);
    check_timer(159, TSIO_TIMER_PING_TIMEOUT);
    finish();
}

/* P10 */
static void late_server_gives_its_clients_more_time(void)
{
    start(25, 20);
    tsio_conn_put_off(&wheel, now, 10); /* nothing is waited for: no matter */
    check_timer(125, TSIO_TIMER_PING);
    now = 160;
    tsio_conn_put_off(&wheel, now, 30);
    CHECK(tsio_wheel_expire(&wheel, now) == &conn.timer);
    CHECK_EQ(tsio_conn_on_timer(&conn, &wheel, now), TSIO_TIMER_PING);
    CHECK_EQ(tsio_conn_on_timer(&conn, &wheel, now), TSIO_TIMER_NONE);
    tsio_conn_put_off(&wheel, now, 30); /* never more than it had at first */
    CHECK(tsio_wheel_expire(&wheel, 175) == &conn.timer); /* which is noticed when the timer expires */
    CHECK_EQ(tsio_conn_on_timer(&conn, &wheel, 175), TSIO_TIMER_NONE);
    check_timer(180, TSIO_TIMER_PING_TIMEOUT);
    finish();
}

int main(void)
{
    alloc_install();
    late_answer_counts_before_the_end();
    wait_goes_on_if_the_layer_above_says_so();
    each_message_starts_the_wait_anew();
    kilobyte_of_a_message_starts_the_wait_anew();
    half_a_message_puts_nothing_off();
    wait_begins_when_the_ping_has_left();
    late_server_gives_its_clients_more_time();
    CHECK_EQ(alloc_live, 0);
    return check_done("conn_heartbeat_wait");
}
