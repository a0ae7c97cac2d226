/* The other deadline of a connection, and the timer that it shares with the heartbeat. */
#include "timer_help.h"

#include <math.h>

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
    other_deadline_shares_the_timer();
    both_may_be_due_at_once();
    detached_connection_has_no_deadlines();
    adoption_leaves_the_timers_alone();
    CHECK_EQ(alloc_live, 0);
    return check_done("conn_timers");
}
