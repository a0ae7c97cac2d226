/* The heartbeat and the other deadline of a connection, under a clock that jumps
 * to the wheel's next deadline. */
#include "alloc_help.h"
#include "conn.h"
#include "ws_help.h"

#include <math.h>

static tsio_wheel wheel;
static tsio_conn conn;
static double now;

static void start(double interval, double timeout)
{
    now = 100;
    tsio_wheel_init(&wheel, 1.0 / 16, now);
    tsio_conn_init(&conn, 1000, 10, 10, 1000, TSIO_POLICY_DISCONNECT);
    tsio_conn_heartbeat_start(&conn, &wheel, now, interval, timeout);
}

static void finish(void)
{
    tsio_conn_detach(&conn, &wheel);
    CHECK_EQ(wheel.count, 0);
    tsio_conn_free(&conn);
    CHECK_EQ(alloc_live, 0);
}

/* Sleeps until the wheel says so; this must happen then, and nothing else. */
static void check_timer(double expected_now, tsio_timer_kind expected)
{
    now = tsio_wheel_next(&wheel);
    CHECK(now == expected_now);
    CHECK(tsio_wheel_expire(&wheel, now) == &conn.timer);
    CHECK_EQ(tsio_conn_on_timer(&conn, &wheel, now), expected);
    CHECK_EQ(tsio_conn_on_timer(&conn, &wheel, now), TSIO_TIMER_NONE);
    CHECK(tsio_wheel_expire(&wheel, now) == NULL);
}

static void receive(const char *text, tsio_conn_event_kind expected)
{
    static ws_stream stream;
    tsio_conn_event event;
    stream.len = 0;
    ws_put_frame(&stream, true, TSIO_WS_TEXT, text, strlen(text));
    CHECK_EQ(tsio_conn_feed(&conn, stream.data, stream.len), TSIO_OK);
    CHECK_EQ(tsio_conn_next(&conn, now, &event), TSIO_OK);
    CHECK_EQ(event.kind, expected);
    if (event.kind != TSIO_CONN_NEED_MORE)
        CHECK_EQ(tsio_conn_next(&conn, now, &event), TSIO_OK);
    CHECK_EQ(event.kind, TSIO_CONN_NEED_MORE);
}

static void answers_are_events_for_who_hears_them(void)
{
    start(25, 20);
    conn.hears_answers = true;
    check_timer(125, TSIO_TIMER_PING);
    receive("3", TSIO_CONN_TEXT);
    CHECK(conn.hb_state >= TSIO_HB_WAIT_PONG);
    tsio_conn_pong(&conn, &wheel, now);
    CHECK_EQ(conn.hb_state, TSIO_HB_WAIT_PING);
    conn.hears_answers = false;
    check_timer(150, TSIO_TIMER_PING);
    receive("3", TSIO_CONN_NEED_MORE);
    CHECK_EQ(conn.hb_state, TSIO_HB_WAIT_PING);
    finish();
}

static void beats_as_long_as_it_is_answered(void)
{
    start(25, 20);
    for (double ping = 125; ping < 1000; ping += 25.5) {
        check_timer(ping, TSIO_TIMER_PING);
        CHECK_EQ(conn.hb_state, TSIO_HB_WAIT_PONG);
        now += 0.5;
        receive("3", TSIO_CONN_NEED_MORE);
        CHECK_EQ(conn.hb_state, TSIO_HB_WAIT_PING);
    }
    finish();
}

static void unanswered_ping_times_out_once(void)
{
    start(25, 20);
    check_timer(125, TSIO_TIMER_PING);
    check_timer(145, TSIO_TIMER_PING_TIMEOUT);
    CHECK_EQ(conn.hb_state, TSIO_HB_OFF);
    CHECK(isinf(tsio_wheel_next(&wheel)));
    receive("3", TSIO_CONN_TEXT); /* now an ordinary text */
    finish();
}

/* The client is there, so its answer may be on its way; but it must come. */
static void message_puts_the_timeout_off_once(void)
{
    start(25, 20);
    receive("4before", TSIO_CONN_TEXT); /* no ping is out: no matter */
    check_timer(125, TSIO_TIMER_PING);
    now = 140;
    receive("4not an answer", TSIO_CONN_TEXT);
    CHECK_EQ(conn.hb_state, TSIO_HB_WAIT_PONG_AGAIN);
    now = 150;
    receive("4nor is this", TSIO_CONN_TEXT);
    now = 155;
    receive("3", TSIO_CONN_NEED_MORE);
    check_timer(180, TSIO_TIMER_PING); /* each ping has its own */
    now = 190;
    tsio_conn_heard(&conn, &wheel, now); /* by polling */
    tsio_conn_heard(&conn, &wheel, now + 5);
    check_timer(200, TSIO_TIMER_PING); /* or the client would see none for too long */
    check_timer(210, TSIO_TIMER_PING_TIMEOUT);
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

static void message_counts_while_suspended(void)
{
    start(25, 20);
    check_timer(125, TSIO_TIMER_PING);
    tsio_conn_heartbeat_suspend(&conn, &wheel);
    receive("4x", TSIO_CONN_TEXT);
    check_timer(145, TSIO_TIMER_PING);
    tsio_conn_heartbeat_resume(&conn, &wheel, 150);
    now = 160;
    receive("4x", TSIO_CONN_TEXT); /* for the second time */
    check_timer(165, TSIO_TIMER_PING);
    check_timer(170, TSIO_TIMER_PING_TIMEOUT);
    finish();
}

/* --- revision 3 ------------------------------------------------------------- */

static void start_revision3(double interval, double timeout)
{
    static const tsio_dialect revision3 = {.revision = 3};
    now = 100;
    tsio_wheel_init(&wheel, 1.0 / 16, now);
    tsio_conn_init(&conn, 1000, 10, 10, 1000, TSIO_POLICY_DISCONNECT);
    tsio_conn_set_dialect(&conn, &revision3);
    tsio_conn_heartbeat_start(&conn, &wheel, now, interval, timeout);
}

static void client_pings_in_revision3(void)
{
    start_revision3(25, 20);
    CHECK_EQ(conn.hb_state, TSIO_HB_WAIT_CLIENT);
    for (unsigned i = 0; i < 10; i++) {
        now += 44;
        receive("2", TSIO_CONN_TEXT); /* is answered above */
        tsio_conn_pinged(&conn, &wheel, now);
    }
    receive("3", TSIO_CONN_TEXT); /* no answer to anything, and neither are these */
    receive("4x", TSIO_CONN_TEXT);
    tsio_conn_pong(&conn, &wheel, now + 5);
    tsio_conn_heard(&conn, &wheel, now + 5);
    check_timer(now + 45, TSIO_TIMER_PING_TIMEOUT);
    tsio_conn_pinged(&conn, &wheel, now); /* too late */
    CHECK(isinf(tsio_wheel_next(&wheel)));
    finish();
}

static void silence_from_the_beginning_in_revision3(void)
{
    start_revision3(25, 20);
    check_timer(145, TSIO_TIMER_PING_TIMEOUT);
    finish();
}

static void suspended_in_revision3(void)
{
    start_revision3(25, 20);
    tsio_conn_heartbeat_suspend(&conn, &wheel);
    tsio_conn_pinged(&conn, &wheel, 120);
    CHECK(isinf(tsio_wheel_next(&wheel)));
    tsio_conn_heartbeat_resume(&conn, &wheel, 200);
    check_timer(245, TSIO_TIMER_PING_TIMEOUT);
    finish();
}

static void ping_of_the_client_is_nothing_in_revision4(void)
{
    start(25, 20);
    tsio_conn_pinged(&conn, &wheel, 110);
    check_timer(125, TSIO_TIMER_PING);
    tsio_conn_pinged(&conn, &wheel, 130);
    check_timer(145, TSIO_TIMER_PING_TIMEOUT);
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
    tsio_conn_pong(&conn, &wheel, now + 1); /* nobody asked for this one */
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

static void pings_go_on_while_suspended(void)
{
    start(25, 20);
    tsio_conn_heartbeat_suspend(&conn, &wheel);
    tsio_conn_heartbeat_suspend(&conn, &wheel);
    for (double ping = 125; ping < 1000; ping += 20) /* none is answered */
        check_timer(ping, TSIO_TIMER_PING);
    tsio_conn_heartbeat_resume(&conn, &wheel, now + 5);
    tsio_conn_heartbeat_resume(&conn, &wheel, now + 10); /* is running: no second chance */
    check_timer(now + 20, TSIO_TIMER_PING);
    check_timer(now + 5, TSIO_TIMER_PING_TIMEOUT);
    tsio_conn_heartbeat_suspend(&conn, &wheel);
    tsio_conn_heartbeat_resume(&conn, &wheel, 3000); /* is off, and stays so */
    CHECK(isinf(tsio_wheel_next(&wheel)));
    finish();
}

/* Reading is paused and resumed again and again, and the answer stands behind all of it. */
static void pings_go_on_between_short_pauses(void)
{
    double last = 125;
    start(25, 20);
    check_timer(125, TSIO_TIMER_PING);
    for (; now < 500; now += 4) {
        if (now >= last + 20) {
            CHECK(tsio_wheel_expire(&wheel, now) == &conn.timer);
            CHECK_EQ(tsio_conn_on_timer(&conn, &wheel, now), TSIO_TIMER_PING);
            CHECK_EQ(tsio_conn_on_timer(&conn, &wheel, now), TSIO_TIMER_NONE);
            last = now;
        }
        tsio_conn_heartbeat_suspend(&conn, &wheel);
        tsio_conn_heartbeat_resume(&conn, &wheel, now + 2);
    }
    now = last + 19;
    receive("3", TSIO_CONN_NEED_MORE);
    check_timer(last + 19 + 25, TSIO_TIMER_PING); /* 44: the client waits for 45 */
    finish();
}

/* A client that does not read is told so by the outbox; pings are not piled up behind it. */
static void no_further_pings_into_a_full_outbox(void)
{
    start(25, 20);
    conn.open = true;
    tsio_conn_heartbeat_suspend(&conn, &wheel);
    check_timer(125, TSIO_TIMER_PING);
    tsio_message *message = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_text(message, '4', (const uint8_t *)"x", 1), TSIO_OK);
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(tsio_conn_send(&conn, message, 0), TSIO_OK);
    tsio_message_unref(message);
    tsio_conn_set_deadline(&conn, &wheel, 145);
    check_timer(145, TSIO_TIMER_DEADLINE); /* the ping that is left out holds nothing up */
    check_timer(165, TSIO_TIMER_NONE);
    tsio_conn_discard(&conn);
    check_timer(185, TSIO_TIMER_PING);
    finish();
}

static void answer_counts_while_suspended(void)
{
    start(25, 20);
    check_timer(125, TSIO_TIMER_PING);
    tsio_conn_heartbeat_suspend(&conn, &wheel);
    receive("3", TSIO_CONN_NEED_MORE);
    check_timer(150, TSIO_TIMER_PING);
    tsio_conn_heartbeat_resume(&conn, &wheel, 160);
    receive("3", TSIO_CONN_NEED_MORE);
    check_timer(175, TSIO_TIMER_PING);
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

static void other_deadline_shares_the_timer(void)
{
    start(25, 20);
    tsio_conn_set_deadline(&conn, &wheel, 110);
    CHECK_EQ(wheel.count, 1);
    check_timer(110, TSIO_TIMER_DEADLINE);
    CHECK(isinf(conn.other_deadline));
    tsio_conn_set_deadline(&conn, &wheel, 120);
    tsio_conn_set_deadline(&conn, &wheel, 130); /* put off */
    check_timer(125, TSIO_TIMER_PING);
    check_timer(130, TSIO_TIMER_DEADLINE);
    tsio_conn_set_deadline(&conn, &wheel, 140);
    tsio_conn_set_deadline(&conn, &wheel, INFINITY);
    check_timer(145, TSIO_TIMER_PING_TIMEOUT);
    tsio_conn_set_deadline(&conn, &wheel, 50); /* past: at once */
    check_timer(50, TSIO_TIMER_DEADLINE);
    CHECK(isinf(tsio_wheel_next(&wheel)));
    finish();
}

static void both_may_be_due_at_once(void)
{
    start(25, 20);
    tsio_conn_set_deadline(&conn, &wheel, 115);
    now = 130;
    CHECK(tsio_wheel_expire(&wheel, now) == &conn.timer);
    CHECK_EQ(tsio_conn_on_timer(&conn, &wheel, now), TSIO_TIMER_PING);
    CHECK_EQ(tsio_conn_on_timer(&conn, &wheel, now), TSIO_TIMER_DEADLINE);
    CHECK_EQ(tsio_conn_on_timer(&conn, &wheel, now), TSIO_TIMER_NONE);
    CHECK(tsio_wheel_expire(&wheel, now) == NULL);
    CHECK(tsio_wheel_next(&wheel) == 150); /* 20 s from when the ping was sent, late as it was */
    finish();
}

static void detached_connection_has_no_deadlines(void)
{
    start(25, 20);
    check_timer(125, TSIO_TIMER_PING);
    tsio_conn_set_deadline(&conn, &wheel, 130);
    tsio_conn_detach(&conn, &wheel);
    tsio_conn_detach(&conn, &wheel);
    CHECK_EQ(wheel.count, 0);
    CHECK(!conn.timer.linked);
    CHECK_EQ(tsio_conn_on_timer(&conn, &wheel, 1000), TSIO_TIMER_NONE);
    receive("3", TSIO_CONN_TEXT);
    CHECK_EQ(wheel.count, 0);
    finish();
}

/* The candidate's timer is its own; the session's heartbeat goes on. */
static void adoption_leaves_the_timers_alone(void)
{
    tsio_conn candidate;
    start(25, 20);
    tsio_conn_init(&candidate, 1000, 10, 10, 1000, TSIO_POLICY_DISCONNECT);
    tsio_conn_set_deadline(&candidate, &wheel, 110);
    tsio_conn_adopt(&conn, &candidate);
    CHECK_EQ(wheel.count, 2);
    CHECK(tsio_wheel_expire(&wheel, 110) == &candidate.timer);
    CHECK_EQ(tsio_conn_on_timer(&candidate, &wheel, 110), TSIO_TIMER_DEADLINE);
    tsio_conn_detach(&candidate, &wheel);
    tsio_conn_free(&candidate);
    check_timer(125, TSIO_TIMER_PING);
    receive("3", TSIO_CONN_NEED_MORE);
    check_timer(150, TSIO_TIMER_PING);
    finish();
}

int main(void)
{
    alloc_install();
    beats_as_long_as_it_is_answered();
    answers_are_events_for_who_hears_them();
    unanswered_ping_times_out_once();
    message_puts_the_timeout_off_once();
    half_a_message_puts_nothing_off();
    message_counts_while_suspended();
    client_pings_in_revision3();
    silence_from_the_beginning_in_revision3();
    suspended_in_revision3();
    ping_of_the_client_is_nothing_in_revision4();
    short_interval_and_long_timeout();
    answer_may_come_through_polling();
    unasked_answer_is_swallowed();
    fragmented_answer_counts_and_leaves_nothing_behind();
    three_is_a_text_without_a_heartbeat();
    binary_three_is_no_answer();
    pings_go_on_while_suspended();
    pings_go_on_between_short_pauses();
    no_further_pings_into_a_full_outbox();
    stopped_heartbeat_is_silent();
    answer_counts_while_suspended();
    other_deadline_shares_the_timer();
    both_may_be_due_at_once();
    detached_connection_has_no_deadlines();
    adoption_leaves_the_timers_alone();
    CHECK_EQ(alloc_live, 0);
    return check_done("conn_timers");
}
