#include "conn.h"

#include <math.h>

enum { AHEAD = 8 }; /* so many timers before its turn, a connection is fetched from memory */

/* Whoever sets a deadline or a heartbeat state has set the wheel. */
static void arm(tsio_conn *conn)
{
    const double deadline = fmin(fmin(conn->hb_deadline, conn->ping_at), conn->other_deadline);
    if (isinf(deadline))
        tsio_wheel_cancel(conn->wheel, &conn->timer);
    else
        tsio_wheel_schedule(conn->wheel, &conn->timer, deadline);
}

/* How long the client may take in this state. */
static double patience(const tsio_conn *conn)
{
    switch ((tsio_hb_state)conn->hb_state) {
    case TSIO_HB_WAIT_CLIENT:
        return conn->ping_interval + conn->ping_timeout;
    case TSIO_HB_WAIT_PONG:
    case TSIO_HB_WAIT_PONG_AGAIN:
        return conn->ping_timeout;
    case TSIO_HB_WAIT_PING:
    case TSIO_HB_OFF:
        break;
    }
    return INFINITY;
}

/* The deadline of a state that begins now; there is none while it is suspended. */
static void set_deadline(tsio_conn *conn, double now)
{
    conn->hb_deadline = conn->hb_suspended ? INFINITY : now + patience(conn);
}

static void enter(tsio_conn *conn, tsio_wheel *wheel, double now, tsio_hb_state state)
{
    conn->wheel = wheel;
    conn->hb_state = (uint8_t)state;
    set_deadline(conn, now);
    if (state == TSIO_HB_WAIT_PING)
        conn->ping_at = now + conn->ping_interval;
    arm(conn);
}

/* A pong in WAIT_PING was not asked for. */
void tsio_conn_pong(tsio_conn *conn, tsio_wheel *wheel, double now)
{
    if (conn->hb_state >= TSIO_HB_WAIT_PONG)
        enter(conn, wheel, now, TSIO_HB_WAIT_PING);
}

void tsio_conn_heard(tsio_conn *conn, tsio_wheel *wheel, double now)
{
    if (conn->hb_state == TSIO_HB_WAIT_PONG)
        enter(conn, wheel, now, TSIO_HB_WAIT_PONG_AGAIN);
}

void tsio_conn_pinged(tsio_conn *conn, tsio_wheel *wheel, double now)
{
    if (conn->hb_state == TSIO_HB_WAIT_CLIENT)
        enter(conn, wheel, now, TSIO_HB_WAIT_CLIENT);
}

void tsio_conn_heartbeat_start(tsio_conn *conn, tsio_wheel *wheel, double now, double interval, double timeout)
{
    conn->ping_interval = interval;
    conn->ping_timeout = timeout;
    enter(conn, wheel, now, tsio_dialect_is_revision3(conn->dialect) ? TSIO_HB_WAIT_CLIENT : TSIO_HB_WAIT_PING);
}

static void turn_off(tsio_conn *conn)
{
    conn->hb_state = TSIO_HB_OFF;
    conn->hb_deadline = conn->ping_at = INFINITY;
}

void tsio_conn_heartbeat_stop(tsio_conn *conn, tsio_wheel *wheel)
{
    conn->wheel = wheel;
    turn_off(conn);
    arm(conn);
}

void tsio_conn_heartbeat_suspend(tsio_conn *conn, tsio_wheel *wheel)
{
    conn->wheel = wheel;
    conn->hb_suspended = true;
    conn->hb_deadline = INFINITY;
    arm(conn);
}

void tsio_conn_heartbeat_resume(tsio_conn *conn, tsio_wheel *wheel, double now)
{
    conn->wheel = wheel;
    if (!conn->hb_suspended)
        return;
    conn->hb_suspended = false;
    set_deadline(conn, now);
    arm(conn);
}

void tsio_conn_set_deadline(tsio_conn *conn, tsio_wheel *wheel, double deadline)
{
    conn->wheel = wheel;
    conn->other_deadline = deadline;
    arm(conn);
}

static bool has_room_for_ping(const tsio_conn *conn)
{
    const tsio_queued queued = tsio_conn_queued(conn);
    return queued.packets < conn->outbox.max_packets && queued.bytes < conn->outbox.max_bytes;
}

static tsio_timer_kind heartbeat_due(tsio_conn *conn, double now)
{
    if (conn->hb_deadline <= now) {
        turn_off(conn);
        return TSIO_TIMER_PING_TIMEOUT;
    }
    const bool is_first = conn->hb_state == TSIO_HB_WAIT_PING;
    if (is_first) {
        conn->hb_state = TSIO_HB_WAIT_PONG;
        set_deadline(conn, now);
    }
    conn->ping_at = now + conn->ping_timeout;
    return is_first || has_room_for_ping(conn) ? TSIO_TIMER_PING : TSIO_TIMER_NONE;
}

static tsio_conn *conn_of_timer(tsio_wheel_node *node)
{
    return (tsio_conn *)(void *)((char *)node - offsetof(tsio_conn, timer));
}

tsio_conn *tsio_conn_expired(tsio_wheel *wheel, double now)
{
    tsio_wheel_node *node = tsio_wheel_expire(wheel, now);
    tsio_wheel_node *soon = tsio_wheel_ahead(wheel, AHEAD), *later = tsio_wheel_ahead(wheel, 2 * AHEAD);
    if (soon != NULL)
        __builtin_prefetch(conn_of_timer(soon)->front, 1);
    if (later != NULL) {
        __builtin_prefetch(&conn_of_timer(later)->front, 1);
        __builtin_prefetch(&conn_of_timer(later)->hb_state, 1);
    }
    return node != NULL ? conn_of_timer(node) : NULL;
}

tsio_timer_kind tsio_conn_on_timer(tsio_conn *conn, tsio_wheel *wheel, double now)
{
    tsio_timer_kind kind = TSIO_TIMER_NONE;
    conn->wheel = wheel;
    if (conn->hb_deadline <= now || conn->ping_at <= now)
        kind = heartbeat_due(conn, now);
    if (kind == TSIO_TIMER_NONE && conn->other_deadline <= now) {
        conn->other_deadline = INFINITY;
        kind = TSIO_TIMER_DEADLINE;
    }
    arm(conn);
    return kind;
}

void tsio_conn_detach(tsio_conn *conn, tsio_wheel *wheel)
{
    tsio_wheel_cancel(wheel, &conn->timer);
    conn->wheel = NULL;
    turn_off(conn);
    conn->other_deadline = INFINITY;
}
