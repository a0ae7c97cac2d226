/* timer_help.h -- helpers for the tests of timers: one connection with a heartbeat, a wheel, and a clock
 * that jumps to the next deadline of the wheel. */
#ifndef TSIO_TIMER_HELP_H
#define TSIO_TIMER_HELP_H

#include "alloc_help.h"
#include "conn.h"
#include "ws_help.h"

static tsio_wheel wheel;
static tsio_conn conn;
static double now;

static inline void start(double interval, double timeout)
{
    now = 100;
    tsio_wheel_init(&wheel, 1.0 / 16, now);
    tsio_conn_init(&conn, 1000, 10, 10, 1000, TSIO_POLICY_DISCONNECT);
    tsio_conn_heartbeat_start(&conn, &wheel, now, interval, timeout);
}

static inline void finish(void)
{
    tsio_conn_detach(&conn, &wheel);
    CHECK_EQ(wheel.count, 0);
    tsio_conn_free(&conn);
    CHECK_EQ(alloc_live, 0);
}

/* Sets the clock to the next deadline of the wheel. This timer, and no other, must be due then. */
static inline void check_timer(double expected_now, tsio_timer_kind expected)
{
    now = tsio_wheel_next(&wheel);
    CHECK(now == expected_now);
    CHECK(tsio_wheel_expire(&wheel, now) == &conn.timer);
    CHECK_EQ(tsio_conn_on_timer(&conn, &wheel, now), expected);
    CHECK_EQ(tsio_conn_on_timer(&conn, &wheel, now), TSIO_TIMER_NONE);
    CHECK(tsio_wheel_expire(&wheel, now) == NULL);
}

static inline void receive(const char *text, tsio_conn_event_kind expected)
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

#endif
