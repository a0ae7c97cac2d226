/* The heartbeat while reading is paused. */
#include "timer_help.h"

#include <math.h>

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

int main(void)
{
    alloc_install();
    message_counts_while_suspended();
    answer_counts_while_suspended();
    pings_go_on_while_suspended();
    pings_go_on_between_short_pauses();
    no_further_pings_into_a_full_outbox();
    CHECK_EQ(alloc_live, 0);
    return check_done("conn_heartbeat_pause");
}
