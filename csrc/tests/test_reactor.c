/* The reactor: plain use, slots and descriptors within one pass. */
#include "reactor_help.h"

/* --- plain use ------------------------------------------------------------------ */

static void reads_and_writes(void)
{
    wire line;
    reactor_start();
    wire_make(&line);
    wire_queue(&line, "early", 5); /* before it is in */
    CHECK_EQ(tsio_reactor_add(&reactor, &line.conn, line.fd), TSIO_OK);
    CHECK(line.conn.via == TSIO_VIA_REACTOR && reactor.count == 1);
    CHECK(next_dirty() == &line.conn);
    CHECK_EQ(tsio_reactor_flush(&reactor, line.conn.front), TSIO_IO_OK);
    wire_check_arrived(&line, "\x81\x05" "early", 7);
    check_quiet();
    wire_say(&line, TSIO_WS_TEXT, "hello");
    wire_say(&line, TSIO_WS_PING, "?");
    check_only_ready(&line, true, false);
    CHECK_EQ(tsio_reactor_read(&reactor, &line.conn), TSIO_IO_OK);
    wire_check_text(&line, "hello");
    wire_check_nothing(&line);
    CHECK_EQ(tsio_reactor_read(&reactor, &line.conn), TSIO_IO_WAIT);
    end_pass();
    wire_queue(&line, "answer", 6);
    CHECK(next_dirty() == &line.conn);
    CHECK_EQ(tsio_reactor_flush(&reactor, line.conn.front), TSIO_IO_OK);
    wire_check_arrived(&line, "\x8a\x01?" "\x81\x06" "answer", 11);
    CHECK_EQ(tsio_reactor_flush(&reactor, line.conn.front), TSIO_IO_OK); /* nothing to do */
    check_quiet();
    wire_remove(&line);
    CHECK(!is_open(line.fd)); /* at once, outside of a pass */
    wire_close(&line); /* twice is once */
    reactor_finish();
}

static void dirty_connections_stand_in_order(void)
{
    wire lines[4];
    reactor_start();
    for (size_t i = 0; i < 4; i++)
        wire_open(&lines[i]);
    for (size_t i = 0; i < 4; i++)
        wire_queue(&lines[3 - i], "x", 1);
    wire_queue(&lines[0], "x", 1);
    CHECK(tsio_reactor_has_dirty(&reactor));
    wire_remove(&lines[2]);
    CHECK(next_dirty() == &lines[3].conn);
    CHECK(next_dirty() == &lines[1].conn);
    CHECK(next_dirty() == &lines[0].conn);
    CHECK(next_dirty() == NULL);
    for (size_t i = 0; i < 4; i++)
        wire_close(&lines[i]);
    reactor_finish();
}

/* A connection with a message of its own is flushed before those with a broadcast. */
static void the_urgent_come_first(void)
{
    wire lines[3];
    tsio_message *message = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_text(message, '4', BYTES("2")), TSIO_OK);
    reactor_start();
    for (size_t i = 0; i < 3; i++) {
        wire_open(&lines[i]);
        CHECK_EQ(tsio_conn_send(&lines[i].conn, message, TSIO_SEND_BULK), TSIO_OK);
    }
    tsio_message_unref(message);
    CHECK_EQ(lines[1].conn.outbox.count, 1);
    wire_queue(&lines[1], "x", 1);
    CHECK_EQ(tsio_conn_send(&lines[1].conn, lines[1].conn.outbox.entries[0].message, TSIO_SEND_BULK), TSIO_OK);
    CHECK(tsio_reactor_next_dirty(&reactor, &reactor.dirty.urgent) == lines[1].conn.front); /* still */
    CHECK(tsio_reactor_next_dirty(&reactor, &reactor.dirty.urgent) == NULL);
    CHECK(tsio_reactor_has_dirty(&reactor));
    CHECK(tsio_reactor_next_dirty(&reactor, &reactor.dirty.bulk) == lines[0].conn.front);
    CHECK(tsio_reactor_next_dirty(&reactor, &reactor.dirty.bulk) == lines[2].conn.front);
    CHECK(!tsio_reactor_has_dirty(&reactor));
    for (size_t i = 0; i < 3; i++)
        wire_close(&lines[i]);
    reactor_finish();
}

static void the_end_is_told(void)
{
    wire line;
    uint8_t byte;
    tsio_ready ready;
    reactor_start();
    wire_open(&line);
    tsio_reactor_shutdown(&reactor, &line.conn);
    CHECK_EQ(recv(line.peer, &byte, 1, 0), 0);
    wire_say(&line, TSIO_WS_TEXT, "still read");
    CHECK_EQ(shutdown(line.peer, SHUT_WR), 0);
    CHECK_EQ(tsio_reactor_begin_pass(&reactor), 1);
    CHECK(tsio_reactor_next(&reactor, &ready));
    CHECK(ready.hung_up && !ready.readable && !ready.writable);
    end_pass();
    check_quiet(); /* it is told once */
    CHECK_EQ(tsio_reactor_read(&reactor, &line.conn), TSIO_IO_OK);
    wire_check_text(&line, "still read");
    CHECK_EQ(tsio_reactor_read(&reactor, &line.conn), TSIO_IO_EOF);
    wire_queue(&line, "x", 1);
    CHECK_EQ(tsio_reactor_flush(&reactor, line.conn.front), TSIO_IO_BROKEN); /* and no SIGPIPE */
    CHECK_EQ(errno, EPIPE);
    wire_close(&line);
    tsio_reactor_shutdown(&reactor, &line.conn); /* it is not in */
    reactor_finish();
}

/* --- within one pass -------------------------------------------------------------- */

/* Both are ready. Serving the first one removes the other, and a third takes its slot. */
static void events_of_the_removed_fall_through(void)
{
    wire lines[2], third;
    tsio_ready ready, again;
    reactor_start();
    for (size_t i = 0; i < 2; i++) {
        wire_open(&lines[i]);
        wire_say(&lines[i], TSIO_WS_TEXT, "x");
    }
    CHECK_EQ(tsio_reactor_begin_pass(&reactor), 2);
    CHECK(tsio_reactor_next(&reactor, &ready));
    wire *other = ready.slot == lines[0].conn.slot ? &lines[1] : &lines[0];
    const uint32_t slot = other->conn.slot, generation = tsio_reactor_generation(&reactor, &other->conn);
    wire_remove(other);
    CHECK(is_open(other->fd)); /* so its number is not reused */
    CHECK(tsio_reactor_conn(&reactor, slot, generation) == NULL);
    wire_open(&third);
    wire_say(&third, TSIO_WS_TEXT, "third");
    CHECK(third.fd != other->fd && third.peer != other->fd);
    CHECK_EQ(third.conn.slot, slot);
    CHECK(tsio_reactor_conn(&reactor, slot, generation) == NULL);
    CHECK(!tsio_reactor_next(&reactor, &again));
    end_pass();
    CHECK(!is_open(other->fd));
    wire_close(&lines[ready.slot == lines[0].conn.slot ? 0 : 1]);
    wire_close(other);
    check_only_ready(&third, true, false);
    CHECK_EQ(tsio_reactor_read(&reactor, &third.conn), TSIO_IO_OK);
    wire_check_text(&third, "third");
    end_pass();
    wire_close(&third);
    reactor_finish();
}

/* One slot is left and taken again and again; each descriptor is closed, once. */
static void a_slot_changes_hands_many_times_in_a_pass(void)
{
    enum { TIMES = 150 };
    int fds[TIMES];
    wire line;
    tsio_ready ready;
    reactor_start();
    wire_open(&line);
    wire_say(&line, TSIO_WS_TEXT, "x");
    CHECK_EQ(tsio_reactor_begin_pass(&reactor), 1);
    for (size_t i = 0; i < TIMES; i++) {
        const uint32_t slot = line.conn.slot, generation = tsio_reactor_generation(&reactor, &line.conn);
        fds[i] = line.fd;
        wire_close(&line);
        wire_open(&line);
        CHECK_EQ(line.conn.slot, slot);
        CHECK(tsio_reactor_generation(&reactor, &line.conn) != generation);
        CHECK(tsio_reactor_conn(&reactor, slot, generation) == NULL);
    }
    CHECK(!tsio_reactor_next(&reactor, &ready));
    for (size_t i = 0; i < TIMES; i++)
        CHECK(is_open(fds[i]));
    end_pass();
    for (size_t i = 0; i < TIMES; i++)
        CHECK(!is_open(fds[i]));
    CHECK(is_open(line.fd));
    check_quiet();
    wire_close(&line);
    reactor_finish();
}

/* Also when those that were served have more at once. */
static void what_was_not_served_comes_first(void)
{
    enum { LINES = 150 };
    wire lines[LINES];
    bool served[LINES] = {false};
    tsio_ready ready;
    reactor_start();
    for (size_t i = 0; i < LINES; i++) {
        wire_open(&lines[i]);
        wire_say(&lines[i], TSIO_WS_TEXT, "x");
    }
    for (size_t left = LINES; left > 0; left--) {
        CHECK_EQ(tsio_reactor_begin_pass(&reactor), left);
        CHECK(tsio_reactor_next(&reactor, &ready)); /* one only */
        wire *line = &lines[ready.slot];
        CHECK(!served[ready.slot] && line->conn.slot == ready.slot);
        served[ready.slot] = true;
        CHECK_EQ(tsio_reactor_read(&reactor, &line->conn), TSIO_IO_OK);
        wire_check_text(line, "x");
        wire_check_nothing(line);
        end_pass();
        wire_say(line, TSIO_WS_TEXT, "y");
    }
    for (size_t i = 0; i < LINES; i++)
        wire_close(&lines[i]);
    reactor_finish();
}

int main(void)
{
    alloc_install();
    reads_and_writes();
    dirty_connections_stand_in_order();
    the_urgent_come_first();
    the_end_is_told();
    events_of_the_removed_fall_through();
    a_slot_changes_hands_many_times_in_a_pass();
    what_was_not_served_comes_first();
    return check_done("reactor");
}
