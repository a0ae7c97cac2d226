/* The reactor: connections that are not read from, or whose peer does not read, and
 * sockets that move from one connection to another. */
#include "reactor_help.h"

/* --- pausing ------------------------------------------------------------------------ */

static void a_paused_connection_is_not_told_readable(void)
{
    wire line;
    tsio_ready ready;
    reactor_start();
    wire_open(&line);
    line.conn.paused = true;
    check_quiet(); /* lazy: epoll is not told before an event comes */
    for (unsigned i = 0; i < 3; i++) {
        wire_say(&line, TSIO_WS_TEXT, "later");
        CHECK_EQ(tsio_reactor_begin_pass(&reactor), i == 0); /* from then on, bytes are no event */
        CHECK(!tsio_reactor_next(&reactor, &ready));
        end_pass();
        check_quiet();
    }
    CHECK_EQ(tsio_reactor_resume(&reactor, &line.conn), TSIO_OK);
    check_only_ready(&line, true, false);
    CHECK_EQ(tsio_reactor_read(&reactor, &line.conn), TSIO_IO_OK);
    wire_check_text(&line, "later");
    end_pass();
    wire_close(&line);
    CHECK_EQ(tsio_reactor_resume(&reactor, &line.conn), TSIO_OK); /* it is not in */
    reactor_finish();
}

/* Makes a pause known to epoll, by bytes that wait. */
static void pause_for_real(wire *line)
{
    tsio_ready ready;
    line->conn.paused = true;
    wire_say(line, TSIO_WS_TEXT, "later");
    CHECK_EQ(tsio_reactor_begin_pass(&reactor), 1);
    CHECK(!tsio_reactor_next(&reactor, &ready));
    end_pass();
    check_quiet();
}

/* The next passes tell a hang-up, at least once and not for ever. */
static void check_hung_up(const wire *line, tsio_io_status expected, int error)
{
    unsigned told = 0;
    tsio_ready ready;
    for (unsigned i = 0; i < 3; i++) {
        tsio_reactor_begin_pass(&reactor);
        while (tsio_reactor_next(&reactor, &ready)) {
            CHECK(tsio_reactor_conn(&reactor, ready.slot, ready.generation) == &line->conn);
            CHECK(ready.hung_up && !ready.readable);
            if (told++ == 0) {
                CHECK_EQ(tsio_reactor_hang_up(&reactor, &line->conn), expected);
                CHECK_EQ(errno, error);
            }
        }
        end_pass();
    }
    CHECK(told > 0);
    for (unsigned i = 0; i < 3; i++)
        check_quiet();
}

/* The end, half the end, and a reset; the pause is known to epoll, or it is not yet. */
static void a_hang_up_of_a_paused_connection_is_told(void)
{
    for (unsigned what = 0; what < 6; what++) {
        wire line;
        reactor_start();
        wire_open(&line);
        if (what % 2 == 0)
            pause_for_real(&line);
        line.conn.paused = true;
        if (what < 4) {
            what < 2 ? (void)shutdown(line.peer, SHUT_WR) : wire_hang_up(&line);
            check_hung_up(&line, TSIO_IO_EOF, 0);
        } else {
            wire_queue(&line, "unread", 6); /* so that closing is a reset */
            CHECK(next_dirty() == &line.conn);
            CHECK_EQ(tsio_reactor_flush(&reactor, line.conn.front), TSIO_IO_OK);
            wire_hang_up(&line);
            check_hung_up(&line, TSIO_IO_BROKEN, ECONNRESET);
        }
        wire_close(&line);
        reactor_finish();
    }
}

/* Writes until the socket takes no more. */
static void fill(wire *line)
{
    static const uint8_t much[1 << 20];
    wire_queue(line, much, sizeof much);
    CHECK(next_dirty() == &line->conn);
    CHECK_EQ(tsio_reactor_flush(&reactor, line->conn.front), TSIO_IO_WAIT);
    CHECK(line->conn.blocked && !tsio_conn_is_writable(&line->conn));
    wire_queue(line, "x", 1);
    CHECK(next_dirty() == NULL);
}

static void drain(wire *line)
{
    static uint8_t dst[1 << 21];
    CHECK(wire_arrived(line, dst, sizeof dst) > 0);
}

static void a_paused_connection_that_is_blocked_is_told_writable(void)
{
    wire line;
    tsio_ready ready;
    reactor_start();
    wire_open(&line);
    fill(&line);
    check_quiet();
    line.conn.paused = true;
    wire_say(&line, TSIO_WS_TEXT, "x");
    CHECK_EQ(tsio_reactor_begin_pass(&reactor), 1);
    CHECK(!tsio_reactor_next(&reactor, &ready));
    end_pass();
    check_quiet();
    drain(&line);
    check_only_ready(&line, false, true);
    tsio_reactor_unblock(&line.conn);
    end_pass();
    CHECK(next_dirty() == &line.conn);
    CHECK_EQ(tsio_reactor_flush(&reactor, line.conn.front), TSIO_IO_WAIT);
    wire_hang_up(&line); /* with bytes unread: a reset, which must come through */
    check_only_ready(&line, false, true); /* and it has hung up, too */
    tsio_reactor_unblock(&line.conn);
    CHECK_EQ(tsio_reactor_flush(&reactor, line.conn.front), TSIO_IO_BROKEN);
    end_pass();
    wire_close(&line);
    reactor_finish();
}

/* A send that is cut although there is room brings no edge: epoll has to look again. */
static void a_paused_connection_is_told_writable_after_each_cut(void)
{
    wire line;
    reactor_start();
    wire_open(&line);
    pause_for_real(&line);
    wire_queue(&line, "0123456789", 10);
    be_mean(3, 0, 1);
    for (unsigned sent = 0; sent < 4; sent++) {
        CHECK(next_dirty() == &line.conn);
        CHECK_EQ(tsio_reactor_flush(&reactor, line.conn.front), sent < 3 ? TSIO_IO_WAIT : TSIO_IO_OK);
        if (sent == 3)
            break;
        check_only_ready(&line, false, true);
        tsio_reactor_unblock(&line.conn);
        end_pass();
    }
    tsio_io = (tsio_io_hook){recv, send};
    wire_check_arrived(&line, "\x81\x0a" "0123456789", 12);
    check_quiet();
    wire_close(&line);
    reactor_finish();
}

/* --- moving ----------------------------------------------------------------------------- */

static void another_connection_takes_over(void)
{
    for (unsigned blocked = 0; blocked < 2; blocked++) {
        wire line, session;
        tsio_ready ready;
        reactor_start();
        wire_open(&line);
        wire_make(&session); /* only its connection counts */
        close(session.fd);
        tsio_reactor_move(&reactor, &session.conn, &line.conn); /* it is not in: nothing happens */
        CHECK_EQ(reactor.count, 1);
        if (blocked)
            fill(&line);
        else
            wire_queue(&line, "dropped", 7);
        wire_queue(&session, "mine", 4);
        wire_say(&line, TSIO_WS_TEXT, "x");
        CHECK_EQ(tsio_reactor_begin_pass(&reactor), 1);
        tsio_reactor_move(&reactor, &line.conn, &session.conn); /* with its event pending */
        CHECK(line.conn.slot == TSIO_NO_SLOT && line.conn.front->lists == NULL && line.conn.front->dirty.next == NULL);
        CHECK(tsio_reactor_next(&reactor, &ready) && ready.readable && !ready.writable);
        CHECK(tsio_reactor_conn(&reactor, ready.slot, ready.generation) == &session.conn);
        CHECK_EQ(tsio_reactor_read(&reactor, &session.conn), TSIO_IO_OK);
        wire_check_text(&session, "x");
        end_pass();
        CHECK_EQ(session.conn.blocked, blocked != 0);
        CHECK_EQ(session.conn.via, TSIO_VIA_REACTOR);
        if (blocked) {
            CHECK(next_dirty() == NULL);
            drain(&line);
            check_only_ready(&session, false, true);
            tsio_reactor_unblock(&session.conn);
            end_pass();
        }
        CHECK(next_dirty() == &session.conn);
        CHECK_EQ(tsio_reactor_flush(&reactor, session.conn.front), TSIO_IO_OK);
        wire_check_arrived(&line, "\x81\x04mine", 6);
        wire_remove(&line);
        CHECK(is_open(line.fd)); /* it is no longer its own */
        wire_close(&session);
        CHECK(!is_open(line.fd));
        wire_close(&line);
        reactor_finish();
    }
}

/* A session may have been paused while it was polling, a candidate because its peer has ended. */
static void a_pause_outlives_the_move(void)
{
    for (unsigned which = 0; which < 2; which++) {
        wire line, session;
        tsio_ready ready;
        reactor_start();
        wire_open(&line);
        wire_make(&session);
        close(session.fd);
        wire_say(&line, TSIO_WS_TEXT, "x");
        *(which == 0 ? &session.conn.paused : &line.conn.paused) = true;
        if (which == 1) {
            CHECK_EQ(tsio_reactor_begin_pass(&reactor), 1); /* so that it is not registered any more */
            CHECK(!tsio_reactor_next(&reactor, &ready));
            end_pass();
        }
        tsio_reactor_move(&reactor, &line.conn, &session.conn);
        CHECK(session.conn.paused);
        CHECK_EQ(tsio_reactor_begin_pass(&reactor), which == 0);
        CHECK(!tsio_reactor_next(&reactor, &ready));
        end_pass();
        check_quiet();
        CHECK_EQ(tsio_reactor_resume(&reactor, &session.conn), TSIO_OK);
        check_only_ready(&session, true, false);
        end_pass();
        wire_close(&session);
        wire_close(&line);
        reactor_finish();
    }
}

int main(void)
{
    alloc_install();
    a_paused_connection_is_not_told_readable();
    a_hang_up_of_a_paused_connection_is_told();
    a_paused_connection_is_told_writable_after_each_cut();
    a_paused_connection_that_is_blocked_is_told_writable();
    another_connection_takes_over();
    a_pause_outlives_the_move();
    return check_done("reactor_pause");
}
