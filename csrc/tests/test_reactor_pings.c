/* The heartbeat's ping of a connection to which little is sent: it leaves from the front. */
#include "reactor_help.h"

static const double INTERVAL = 25, TIMEOUT = 20;

static wire line;
static tsio_wheel wheel;
static tsio_message *ping;

static void write_out(void)
{
    tsio_front *front = line.conn.front;
    tsio_front_unlink(front);
    CHECK_EQ(tsio_reactor_flush(&reactor, front), TSIO_IO_OK);
    tsio_reactor_end_pass(&reactor);
}

static void say(size_t len)
{
    static char text[1000];
    memset(text, 'x', sizeof text);
    wire_queue(&line, text, len);
    write_out();
}

static void ping_is_due(double now)
{
    reactor.now = now;
    CHECK(tsio_conn_expired(&wheel, now) == &line.conn);
    CHECK_EQ(tsio_conn_on_timer(&line.conn, &wheel, now), TSIO_TIMER_PING);
    CHECK_EQ(tsio_conn_send(&line.conn, ping, TSIO_SEND_PROTECTED), TSIO_OK);
    CHECK_EQ(line.conn.hb_state, TSIO_HB_PING_QUEUED);
}

/* A plain connection whose last ping, the first, was answered at 30. */
static void begin(void)
{
    tsio_wheel_init(&wheel, 1 / 16.0, 0);
    CHECK_EQ(tsio_reactor_init(&reactor), TSIO_OK);
    wire_open(&line);
    ping = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_text(ping, '2', NULL, 0), TSIO_OK);
    tsio_conn_heartbeat_start(&line.conn, &wheel, 0, INTERVAL, TIMEOUT);
    say(10);
    ping_is_due(25);
    CHECK_EQ(line.conn.hb_busy, 1);
    write_out();
    CHECK_EQ(line.conn.hb_state, TSIO_HB_WAIT_PONG);
    tsio_conn_pong(&line.conn, &wheel, 30);
    CHECK(line.conn.front->on_fast_path);
}

static void end(void)
{
    tsio_conn_detach(&line.conn, &wheel);
    wire_close(&line);
    tsio_message_unref(ping);
    tsio_reactor_free(&reactor);
    tsio_wheel_free(&wheel);
}

static void ping_of_a_calm_connection_leaves_from_the_front(size_t messages)
{
    begin();
    for (size_t i = 0; i < messages; i++)
        say(TSIO_SMALL_BYTES - 10);
    for (double now = 55; now < 200; now += 30) {
        ping_is_due(now);
        CHECK(line.conn.front->on_fast_path && line.conn.front->waiting == ping);
        CHECK_EQ(line.conn.hb_busy, 0);
        write_out();
        CHECK(line.conn.front->on_fast_path && line.conn.hb_deadline == now + TIMEOUT);
        tsio_conn_pong(&line.conn, &wheel, now + 5);
        say(1);
    }
    end();
}

static void outbox_learns_that_the_ping_has_left(bool written)
{
    begin();
    ping_is_due(55);
    if (written)
        write_out();
    tsio_conn_leave_fast_path(&line.conn);
    CHECK_EQ(line.conn.hb_state, written ? TSIO_HB_WAIT_PONG : TSIO_HB_PING_QUEUED);
    write_out();
    CHECK_EQ(line.conn.hb_state, TSIO_HB_WAIT_PONG);
    CHECK(line.conn.hb_deadline == 55 + TIMEOUT && !line.conn.hb_behind);
    reactor.now = 60;
    say(1);
    CHECK(line.conn.hb_deadline == 55 + TIMEOUT); /* that is no answer */
    end();
}

static void what_was_sent_before_the_ping_is_looked_at(size_t messages, size_t len)
{
    begin();
    for (size_t i = 0; i < messages; i++)
        say(len);
    ping_is_due(55);
    CHECK(!line.conn.front->on_fast_path);
    CHECK_EQ(line.conn.hb_busy, 1);
    write_out();
    CHECK_EQ(line.conn.hb_state, TSIO_HB_WAIT_PONG);
    CHECK(line.conn.hb_behind || messages * len <= TSIO_LIFE_BYTES); /* a local socket counts more than its bytes */
    end();
}

int main(void)
{
    alloc_install();
    ping_of_a_calm_connection_leaves_from_the_front(0);
    ping_of_a_calm_connection_leaves_from_the_front(TSIO_LIFE_BYTES / TSIO_SMALL_BYTES);
    outbox_learns_that_the_ping_has_left(true);
    outbox_learns_that_the_ping_has_left(false);
    what_was_sent_before_the_ping_is_looked_at(4, 900);
    what_was_sent_before_the_ping_is_looked_at(1, TSIO_SMALL_BYTES + 1);
    what_was_sent_before_the_ping_is_looked_at(TSIO_LIFE_BYTES / TSIO_SMALL_BYTES + 1, 115);
    return check_done("reactor_pings");
}
