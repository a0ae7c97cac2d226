/* The heartbeat in revision 3, in which the client pings. */
#include "timer_help.h"

#include <math.h>

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

int main(void)
{
    alloc_install();
    client_pings_in_revision3();
    silence_from_the_beginning_in_revision3();
    suspended_in_revision3();
    ping_of_the_client_is_nothing_in_revision4();
    CHECK_EQ(alloc_live, 0);
    return check_done("conn_heartbeat3");
}
