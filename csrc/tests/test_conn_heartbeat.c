/* The pings of the heartbeat, and what counts as an answer. */
#include "timer_help.h"

#include <math.h>

static void beats_as_long_as_it_is_answered(void)
{
    start(25, 20);
    for (double ping = 125; ping < 1000; ping += 25.5) {
        check_timer(ping, TSIO_TIMER_PING);
        CHECK_EQ(conn.hb_state, TSIO_HB_PING_QUEUED);
        now += 0.5;
        receive("3", TSIO_CONN_NEED_MORE);
        CHECK_EQ(conn.hb_state, TSIO_HB_WAIT_PING);
    }
    finish();
}

static void reported_pongs_are_events(void)
{
    start(25, 20);
    conn.report_pongs = true;
    check_timer(125, TSIO_TIMER_PING);
    receive("3", TSIO_CONN_TEXT);
    CHECK(conn.hb_state >= TSIO_HB_PING_QUEUED);
    tsio_conn_pong(&conn, &wheel, now);
    CHECK_EQ(conn.hb_state, TSIO_HB_WAIT_PING);
    conn.report_pongs = false;
    check_timer(150, TSIO_TIMER_PING);
    receive("3", TSIO_CONN_NEED_MORE);
    CHECK_EQ(conn.hb_state, TSIO_HB_WAIT_PING);
    finish();
}

static void unanswered_ping_times_out_once(void)
{
    start(25, 20);
    check_timer(125, TSIO_TIMER_PING);
    check_timer(145, TSIO_TIMER_PING_TIMEOUT);
    CHECK(conn.hb_overdue);
    tsio_conn_heartbeat_stop(&conn, &wheel);
    CHECK(!conn.hb_overdue);
    CHECK(isinf(tsio_wheel_next(&wheel)));
    receive("3", TSIO_CONN_TEXT); /* now an ordinary text */
    finish();
}

/* The next ping is due before the timeout would have been: the timer moves forward. */
static void short_interval_and_long_timeout(void)
{
    start(1, 20);
    check_timer(101, TSIO_TIMER_PING);
    now = 101.25;
    receive("3", TSIO_CONN_NEED_MORE);
    check_timer(102.25, TSIO_TIMER_PING);
    check_timer(122.25, TSIO_TIMER_PING_TIMEOUT);
    finish();
}

static void answer_may_come_through_polling(void)
{
    start(25, 20);
    check_timer(125, TSIO_TIMER_PING);
    now = 126;
    tsio_conn_pong(&conn, &wheel, now);
    tsio_conn_pong(&conn, &wheel, now + 1); /* an answer without a ping */
    check_timer(151, TSIO_TIMER_PING);
    finish();
}

static void unasked_answer_is_swallowed(void)
{
    start(25, 20);
    for (unsigned i = 0; i < 5; i++) {
        now += 1;
        receive("3", TSIO_CONN_NEED_MORE);
    }
    receive("33", TSIO_CONN_TEXT);
    check_timer(125, TSIO_TIMER_PING); /* not put off by them */
    finish();
}

static void fragmented_answer_counts_and_leaves_nothing_behind(void)
{
    static ws_stream stream;
    tsio_conn_event event;
    start(25, 20);
    check_timer(125, TSIO_TIMER_PING);
    stream.len = 0;
    ws_put_frame(&stream, false, TSIO_WS_TEXT, "3", 1);
    ws_put_frame(&stream, true, TSIO_WS_CONTINUATION, "", 0);
    CHECK_EQ(tsio_conn_feed(&conn, stream.data, stream.len), TSIO_OK);
    CHECK_EQ(tsio_conn_next(&conn, now, &event), TSIO_OK);
    CHECK_EQ(event.kind, TSIO_CONN_NEED_MORE);
    CHECK_EQ(alloc_live, FRONTS + 1); /* and a slot of the wheel */
    check_timer(150, TSIO_TIMER_PING);
    finish();
}

static void three_is_a_text_without_a_heartbeat(void)
{
    static ws_stream stream;
    tsio_conn_event event;
    tsio_conn_init(&conn, 1000, 10, 10, 1000, TSIO_POLICY_DISCONNECT);
    stream.len = 0;
    ws_put_frame(&stream, true, TSIO_WS_TEXT, "3", 1);
    CHECK_EQ(tsio_conn_feed(&conn, stream.data, stream.len), TSIO_OK);
    CHECK_EQ(tsio_conn_next(&conn, 1, &event), TSIO_OK);
    CHECK_EQ(event.kind, TSIO_CONN_TEXT);
    tsio_conn_free(&conn);
}

static void binary_three_is_no_answer(void)
{
    static ws_stream stream;
    tsio_conn_event event;
    start(25, 20);
    stream.len = 0;
    ws_put_frame(&stream, true, TSIO_WS_BINARY, "3", 1);
    CHECK_EQ(tsio_conn_feed(&conn, stream.data, stream.len), TSIO_OK);
    CHECK_EQ(tsio_conn_next(&conn, now, &event), TSIO_OK);
    CHECK_EQ(event.kind, TSIO_CONN_BINARY);
    finish();
}

static void stopped_heartbeat_is_silent(void)
{
    start(25, 20);
    check_timer(125, TSIO_TIMER_PING);
    tsio_conn_heartbeat_stop(&conn, &wheel);
    CHECK(isinf(tsio_wheel_next(&wheel)));
    tsio_conn_heartbeat_resume(&conn, &wheel, 130);
    CHECK(isinf(tsio_wheel_next(&wheel)));
    receive("3", TSIO_CONN_TEXT);
    finish();
}

int main(void)
{
    alloc_install();
    beats_as_long_as_it_is_answered();
    reported_pongs_are_events();
    unanswered_ping_times_out_once();
    short_interval_and_long_timeout();
    answer_may_come_through_polling();
    unasked_answer_is_swallowed();
    fragmented_answer_counts_and_leaves_nothing_behind();
    three_is_a_text_without_a_heartbeat();
    binary_three_is_no_answer();
    stopped_heartbeat_is_silent();
    CHECK_EQ(alloc_live, 0);
    return check_done("conn_heartbeat");
}
