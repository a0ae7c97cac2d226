/* The reactor: writing that is cut short. */
#include "reactor_help.h"

/* Who is blocked is registered for it, and no longer once that is over. */
static void blocking_is_told_once_it_is_over(void)
{
    wire line;
    tsio_ready ready;
    reactor_start();
    wire_open(&line);
    wire_queue(&line, "hello", 5);
    be_mean(3, 0, 1);
    CHECK_EQ(tsio_reactor_flush(&reactor, next_dirty()->front), TSIO_IO_WAIT);
    wire_check_arrived(&line, "\x81\x05h", 3);
    CHECK(!tsio_conn_is_writable(&line.conn));
    be_mean(SIZE_MAX, 0, 1);
    CHECK_EQ(tsio_reactor_begin_pass(&reactor), 1);
    CHECK(tsio_reactor_next(&reactor, &ready) && ready.writable && !ready.readable);
    tsio_reactor_unblock(&line.conn);
    end_pass();
    CHECK_EQ(tsio_reactor_flush(&reactor, next_dirty()->front), TSIO_IO_OK);
    wire_check_arrived(&line, "ello", 4);
    CHECK_EQ(tsio_reactor_begin_pass(&reactor), 0);
    end_pass();
    wire_close(&line);
    reactor_finish();
}

static void the_close_frame_is_the_last(void)
{
    wire line;
    reactor_start();
    wire_open(&line);
    wire_queue(&line, "x", 1);
    tsio_conn_close(&line.conn, 1001, BYTES("bye"));
    be_mean(4, 0, 1);
    CHECK_EQ(tsio_reactor_flush(&reactor, next_dirty()->front), TSIO_IO_WAIT);
    wire_say(&line, TSIO_WS_PING, "late");
    CHECK_EQ(tsio_reactor_read(&reactor, &line.conn), TSIO_IO_OK); /* some of it */
    wire_check_nothing(&line);
    be_mean(SIZE_MAX, 0, 1);
    CHECK_EQ(tsio_reactor_read(&reactor, &line.conn), TSIO_IO_OK);
    wire_check_nothing(&line);
    tsio_reactor_unblock(&line.conn);
    CHECK_EQ(tsio_reactor_flush(&reactor, next_dirty()->front), TSIO_IO_OK);
    tsio_reactor_shutdown(&reactor, &line.conn);
    wire_check_arrived(&line, "\x81\x01x" "\x88\x05\x03\xe9" "bye", 10);
    CHECK(line.conn.ws.close_sent && recv(line.peer, &(char){0}, 1, 0) == 0);
    wire_close(&line);
    reactor_finish();
}

static ssize_t send_into_the_void(int fd, const void *buf, size_t len, int flags)
{
    (void)fd, (void)buf, (void)flags;
    return (ssize_t)len;
}

/* A peer that takes all there is does not keep the others waiting. */
static void one_turn_is_not_without_end(void)
{
    static const uint8_t much[TSIO_FLUSH_BYTES - 4]; /* with its header, exactly what goes in one send */
    wire greedy, modest;
    reactor_start();
    tsio_io.send = send_into_the_void;
    wire_open(&greedy);
    wire_open(&modest);
    for (unsigned i = 0; i < 2 * TSIO_FLUSH_ROUNDS; i++)
        wire_queue(&greedy, much, sizeof much);
    wire_queue(&modest, "x", 1);
    CHECK(next_dirty() == &greedy.conn);
    CHECK_EQ(tsio_reactor_flush(&reactor, greedy.conn.front), TSIO_IO_MORE);
    CHECK(tsio_conn_leave_fast_path(&greedy.conn)->confirmed == TSIO_FLUSH_ROUNDS && !greedy.conn.blocked);
    CHECK(next_dirty() == &modest.conn);
    CHECK_EQ(tsio_reactor_flush(&reactor, modest.conn.front), TSIO_IO_OK);
    CHECK(next_dirty() == &greedy.conn);
    CHECK_EQ(tsio_reactor_flush(&reactor, greedy.conn.front), TSIO_IO_OK); /* the last round takes the last byte */
    CHECK(!tsio_conn_has_output(&greedy.conn) && next_dirty() == NULL);
    wire_close(&greedy);
    wire_close(&modest);
    reactor_finish();
}

int main(void)
{
    alloc_install();
    blocking_is_told_once_it_is_over();
    the_close_frame_is_the_last();
    one_turn_is_not_without_end();
    return check_done("reactor_flush");
}
