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

static void message_counts_while_suspended(void)
{
    start(25, 20);
    check_timer(125, TSIO_TIMER_PING);
    tsio_conn_heartbeat_suspend(&conn, &wheel);
    receive("4x", TSIO_CONN_TEXT);
    check_timer(145, TSIO_TIMER_PING);
    tsio_conn_heartbeat_resume(&conn, &wheel, 150);
    now = 160;
    receive("4x", TSIO_CONN_TEXT);
    check_timer(165, TSIO_TIMER_PING);
    check_timer(180, TSIO_TIMER_PING_TIMEOUT);
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
    receive("3", TSIO_CONN_TEXT); /* no answer to anything */
    tsio_conn_pong(&conn, &wheel, now + 5);
    tsio_conn_heard(&conn, &wheel, now + 5); /* but the client is alive */
    check_timer(now + 50, TSIO_TIMER_PING_TIMEOUT);
    tsio_conn_pinged(&conn, &wheel, now); /* in time after all */
    check_timer(now + 45, TSIO_TIMER_PING_TIMEOUT);
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
    tsio_conn_heartbeat_stop(&conn, &wheel);
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
    tsio_conn_heartbeat_stop(&conn, &wheel);
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
    reported_pongs_are_events();
    unanswered_ping_times_out_once();
    late_answer_counts_before_the_end();
    wait_goes_on_if_the_layer_above_says_so();
    each_message_starts_the_wait_anew();
    kilobyte_of_a_message_starts_the_wait_anew();
    wait_begins_when_the_ping_has_left();
    late_server_gives_its_clients_more_time();
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
