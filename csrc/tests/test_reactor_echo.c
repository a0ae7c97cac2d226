/* A server that echoes, small enough to be read at a glance, over sockets that take
 * and give few bytes at once, or none: all of them arrive, in order. */
#include "reactor_help.h"

enum { LINES = 3, TURNS_MAX = 1000000 };

static check_rng rng = {41};

typedef struct {
    wire wire; /* first, as the connection is in it */
    ws_stream said, heard; /* by the client */
    size_t said_pos, due;
    uint8_t expected[WS_STREAM_MAX];
} echo_line;

static echo_line lines[LINES];

static void prepare(echo_line *line, size_t messages, size_t largest)
{
    static uint8_t payload[WS_STREAM_MAX];
    const int smallest = 1;
    memset(line, 0, sizeof *line);
    wire_open(&line->wire);
    CHECK_EQ(setsockopt(line->wire.fd, SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest), 0);
    for (size_t i = 0; i < messages; i++) {
        const size_t len = check_below(&rng, largest);
        memset(payload, 'a' + (int)(i % 26), len);
        ws_put_frame(&line->said, true, TSIO_WS_TEXT, payload, len);
        line->due += tsio_ws_header_build(line->expected + line->due, TSIO_WS_TEXT, len);
        memcpy(line->expected + line->due, payload, len);
        line->due += len;
    }
}

static void client_turn(echo_line *line)
{
    const size_t rest = line->said.len - line->said_pos;
    const ssize_t sent = send(line->wire.peer, line->said.data + line->said_pos, rest, MSG_DONTWAIT | MSG_NOSIGNAL);
    line->said_pos += sent > 0 ? (size_t)sent : 0;
    line->heard.len += wire_arrived(&line->wire, line->heard.data + line->heard.len,
                                    check_below(&rng, line->due + 1 - line->heard.len));
}

static void serve_input(tsio_conn *conn)
{
    tsio_conn_event event;
    while (!conn->paused) {
        CHECK_EQ(tsio_conn_next(conn, 0, &event), TSIO_OK);
        if (event.kind == TSIO_CONN_NEED_MORE)
            return;
        wire_queue((wire *)(void *)conn, event.data, event.len);
        conn->paused = check_below(&rng, 6) == 0;
    }
    CHECK_EQ(tsio_conn_keep(conn), TSIO_OK);
}

static void server_turn(void)
{
    tsio_ready ready;
    tsio_reactor_begin_pass(&reactor);
    while (tsio_reactor_next(&reactor, &ready)) {
        tsio_conn *conn = tsio_reactor_conn(&reactor, ready.slot, ready.generation);
        if (ready.writable)
            tsio_reactor_unblock(conn);
        if (ready.readable && !tsio_conn_has_input(conn) && tsio_reactor_read(&reactor, conn) == TSIO_IO_OK)
            serve_input(conn);
        memset(reactor.buffer, 0xdb, TSIO_READ_BYTES);
    }
    end_pass();
    for (size_t i = 0; i < LINES; i++) {
        tsio_conn *conn = &lines[i].wire.conn;
        if (!conn->paused || check_below(&rng, 3) > 0)
            continue;
        CHECK_EQ(tsio_reactor_resume(&reactor, conn), TSIO_OK);
        serve_input(conn);
    }
    for (tsio_conn *conn; (conn = next_dirty()) != NULL;) {
        const tsio_io_status status = tsio_reactor_flush(&reactor, conn->front);
        memset(reactor.buffer, 0xdb, TSIO_READ_BYTES);
        CHECK(status == TSIO_IO_OK || status == TSIO_IO_WAIT || status == TSIO_IO_MORE);
        CHECK_EQ(status == TSIO_IO_OK, !tsio_conn_has_output(conn));
        CHECK_EQ(status == TSIO_IO_WAIT, conn->blocked);
    }
}

static void echo(size_t messages, size_t largest)
{
    size_t turns = 0;
    reactor_start();
    for (size_t i = 0; i < LINES; i++)
        prepare(&lines[i], messages, largest);
    for (bool more = true; more;) {
        CHECK(turns++ < TURNS_MAX);
        more = false;
        for (size_t i = 0; i < LINES; i++) {
            client_turn(&lines[i]);
            more |= lines[i].heard.len < lines[i].due;
        }
        server_turn();
    }
    for (size_t i = 0; i < LINES; i++) {
        CHECK_BYTES(lines[i].heard.data, lines[i].heard.len, lines[i].expected, lines[i].due);
        CHECK_EQ(tsio_conn_leave_fast_path(&lines[i].wire.conn)->confirmed, messages);
        wire_close(&lines[i].wire);
    }
    reactor_finish();
}

static void everything_arrives_in_order(void)
{
    static const int errors[] = {0, EAGAIN, ENOBUFS, EINTR};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        for (size_t every = 2; every < 4; every++) {
            be_mean(1, errors[i], every);
            echo(20, 60);
            be_mean(7, errors[i], every);
            echo(40, 200);
            be_mean(10000, errors[i], every);
            echo(12, 20000);
            be_mean(SIZE_MAX, errors[i], every);
            echo(3, 70000);
        }
    }
}

int main(void)
{
    alloc_install();
    everything_arrives_in_order();
    return check_done("reactor_echo");
}
