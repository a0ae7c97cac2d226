#include "conn.h"

#include <math.h>

enum { AHEAD = 8 }; /* a connection is prefetched this many timers before its own expires */

/* Schedules the timer for the earliest deadline. Precondition: `wheel` is set. Every function that sets a deadline
 * or a heartbeat state sets it. */
static void arm(tsio_conn *conn)
{
    const double deadline = fmin(fmin(conn->hb_deadline, conn->ping_at), conn->other_deadline);
    if (isinf(deadline))
        tsio_wheel_cancel(conn->wheel, &conn->timer);
    else
        tsio_wheel_schedule(conn->wheel, &conn->timer, deadline);
}

/* Returns for how many seconds the client may be silent in this state. */
static double patience(const tsio_conn *conn)
{
    switch ((tsio_hb_state)conn->hb_state) {
    case TSIO_HB_WAIT_CLIENT:
        return conn->ping_interval + conn->ping_timeout;
    case TSIO_HB_PING_QUEUED:
    case TSIO_HB_WAIT_PONG:
        return conn->ping_timeout;
    case TSIO_HB_WAIT_PING:
    case TSIO_HB_OFF:
        break;
    }
    return INFINITY;
}

/* Returns whether the client must send something by the deadline. */
static bool waits_for_client(const tsio_conn *conn)
{
    return conn->hb_state != TSIO_HB_OFF && conn->hb_state != TSIO_HB_WAIT_PING;
}

/* Sets the heartbeat deadline; there is none while it is suspended. */
static void set_deadline(tsio_conn *conn, double deadline)
{
    conn->hb_deadline = conn->hb_suspended ? INFINITY : deadline;
    conn->hb_overdue = conn->hb_waited = false;
    conn->hb_bytes = 0;
}

static void enter(tsio_conn *conn, tsio_wheel *wheel, double now, tsio_hb_state state)
{
    conn->wheel = wheel;
    conn->hb_state = (uint8_t)state;
    set_deadline(conn, now + patience(conn));
    if (state == TSIO_HB_WAIT_PING)
        conn->ping_at = now + conn->ping_interval;
    arm(conn);
}

/* In WAIT_PING, a pong is ignored, because there was no ping. */
void tsio_conn_pong(tsio_conn *conn, tsio_wheel *wheel, double now)
{
    if (conn->hb_state >= TSIO_HB_PING_QUEUED)
        enter(conn, wheel, now, TSIO_HB_WAIT_PING);
}

/* Extends the heartbeat deadline to `deadline` at least, because the client is alive or the layer above waits on. */
static void extend(tsio_conn *conn, tsio_wheel *wheel, double now, double deadline)
{
    conn->wheel = wheel;
    if (conn->hb_overdue && conn->hb_state >= TSIO_HB_PING_QUEUED)
        conn->ping_at = now;
    set_deadline(conn, conn->hb_overdue ? deadline : fmax(conn->hb_deadline, deadline));
    arm(conn);
}

void tsio_conn_heard(tsio_conn *conn, tsio_wheel *wheel, double now)
{
    if (waits_for_client(conn))
        extend(conn, wheel, now, now + patience(conn));
}

void tsio_conn_received(tsio_conn *conn, tsio_wheel *wheel, double now, size_t bytes)
{
    if (!waits_for_client(conn))
        return;
    if (bytes < TSIO_LIFE_BYTES - (size_t)conn->hb_bytes)
        conn->hb_bytes = (uint16_t)(conn->hb_bytes + bytes);
    else
        extend(conn, wheel, now, now + conn->ping_timeout);
}

void tsio_conn_pinged(tsio_conn *conn, tsio_wheel *wheel, double now)
{
    if (conn->hb_state == TSIO_HB_WAIT_CLIENT)
        enter(conn, wheel, now, TSIO_HB_WAIT_CLIENT);
}

void tsio_conn_ping_left(tsio_conn *conn, double now)
{
    conn->hb_state = TSIO_HB_WAIT_PONG;
    conn->hb_behind = false;
    if (isnan(now))
        return;
    if (conn->hb_overdue)
        conn->ping_at = now;
    set_deadline(conn, now + conn->ping_timeout);
}

void tsio_conn_wait_on(tsio_conn *conn, tsio_wheel *wheel, double now, double deadline)
{
    if (!waits_for_client(conn))
        return;
    extend(conn, wheel, now, deadline);
    conn->hb_waited = true;
}

static tsio_conn *conn_of_timer(tsio_wheel_node *node)
{
    return (tsio_conn *)(void *)((char *)node - offsetof(tsio_conn, timer));
}

/* Puts a heartbeat deadline off. The timer does not move: it expires early, with nothing due, and is then set anew. */
static void put_off(tsio_conn *conn, double now, double seconds)
{
    if (waits_for_client(conn) && !isinf(conn->hb_deadline))
        conn->hb_deadline = fmax(conn->hb_deadline, fmin(conn->hb_deadline + seconds, now + patience(conn)));
}

void tsio_conn_put_off(tsio_wheel *wheel, double now, double seconds)
{
    for (uint32_t index = 0; index <= TSIO_WHEEL_SLOTS; index++) {
        const tsio_wheel_slot *slot = &wheel->slots[index];
        for (uint32_t at = 0; at < slot->count; at++)
            put_off(conn_of_timer(slot->entries[at].node), now, seconds);
    }
    for (tsio_wheel_node *node = wheel->unslotted; node != NULL; node = node->next_unslotted)
        put_off(conn_of_timer(node), now, seconds);
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
    conn->hb_overdue = false;
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
    conn->hb_overdue = false;
    conn->hb_deadline = INFINITY;
    arm(conn);
}

void tsio_conn_heartbeat_resume(tsio_conn *conn, tsio_wheel *wheel, double now)
{
    conn->wheel = wheel;
    if (!conn->hb_suspended)
        return;
    conn->hb_suspended = false;
    set_deadline(conn, now + patience(conn));
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

/* Returns whether little was sent since the last ping, all of it from the front, and no message waits there. Then
 * the next ping may be sent from the front, too. */
static bool is_calm(const tsio_conn *conn)
{
    const tsio_front *front = conn->front;
    if (!front->on_fast_path || front->waiting != NULL || front->bulky)
        return false;
    const uint32_t since = (uint32_t)conn->outbox.pushed + front->uncounted - conn->hb_ping;
    return since <= front->uncounted && since <= TSIO_LIFE_BYTES / TSIO_SMALL_BYTES;
}

/* Computes the number of the next message, which will be a ping. */
static void number_ping(tsio_conn *conn)
{
    const uint32_t last = conn->hb_ping;
    if (is_calm(conn)) {
        conn->hb_ping = (uint32_t)conn->outbox.pushed + conn->front->uncounted + 1;
        conn->hb_busy = false;
    } else {
        conn->hb_ping = (uint32_t)tsio_conn_leave_fast_path(conn)->pushed + 1;
        conn->hb_busy = conn->hb_ping != last + 1;
    }
    conn->front->bulky = false;
}

static tsio_timer_kind heartbeat_due(tsio_conn *conn, double now)
{
    if (conn->hb_deadline <= now) {
        conn->hb_overdue = true;
        conn->hb_deadline = INFINITY;
        if (conn->hb_state != TSIO_HB_WAIT_CLIENT)
            conn->ping_at = now + conn->ping_timeout;
        return TSIO_TIMER_PING_TIMEOUT;
    }
    const bool is_first = conn->hb_state == TSIO_HB_WAIT_PING;
    if (is_first) {
        number_ping(conn); /* before the state changes: it may check whether a ping has left, and this one has not */
        conn->hb_state = TSIO_HB_PING_QUEUED;
        set_deadline(conn, now + conn->ping_timeout);
    }
    conn->ping_at = now + conn->ping_timeout;
    return is_first || has_room_for_ping(conn) ? TSIO_TIMER_PING : TSIO_TIMER_NONE;
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
