/* The reactor without memory, and with a system that refuses. */
#include "reactor_help.h"

#include <sys/resource.h>

static void starting_without_memory(void)
{
    for (size_t n = 1; n <= 2; n++) {
        alloc_fail(n, false);
        CHECK_EQ(tsio_reactor_init(&reactor), TSIO_E_NO_MEMORY);
        CHECK(alloc_heal());
        CHECK_EQ(alloc_live, 0);
        CHECK_EQ(reactor.epoll_fd, -1);
        tsio_reactor_free(&reactor); /* does no harm */
    }
}

static void adding_without_memory_changes_nothing(void)
{
    enum { LINES = 140 }; /* the slots grow twice */
    static wire lines[LINES];
    size_t n = 1;
    for (bool hit = true; hit; n++) {
        reactor_start();
        for (uint32_t i = 0; i < LINES; i++)
            wire_make(&lines[i]);
        alloc_fail(n, false);
        for (uint32_t i = 0; i < LINES; i++) {
            wire *line = &lines[i];
            const tsio_status status = tsio_reactor_add(&reactor, &line->conn, line->fd);
            if (status == TSIO_OK)
                continue;
            CHECK_EQ(status, TSIO_E_NO_MEMORY);
            CHECK(reactor.count == i && line->conn.slot == TSIO_NO_SLOT && is_open(line->fd));
            CHECK_EQ(tsio_reactor_add(&reactor, &line->conn, line->fd), TSIO_OK);
        }
        hit = alloc_heal();
        CHECK_EQ(reactor.count, LINES);
        for (size_t i = 0; i < LINES; i++)
            wire_close(&lines[i]);
        reactor_finish();
    }
    CHECK(n > 5);
}

static void what_the_system_refuses_stays_the_callers(void)
{
    struct rlimit limit, none;
    wire line;
    const int folder = open("/", O_RDONLY); /* epoll takes none */
    CHECK(folder >= 0);
    reactor_start();
    wire_make(&line);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(tsio_reactor_add(&reactor, &line.conn, folder), TSIO_E_SYSTEM);
        CHECK_EQ(errno, EPERM);
        CHECK(reactor.count == 0 && line.conn.slot == TSIO_NO_SLOT && is_open(folder));
    }
    CHECK_EQ(tsio_reactor_add(&reactor, &line.conn, line.fd), TSIO_OK);
    CHECK_EQ(line.conn.slot, 0);
    CHECK_EQ(tsio_reactor_generation(&reactor, &line.conn) % 2, 1);
    wire_close(&line);
    reactor_finish();
    close(folder);

    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    CHECK_EQ(tsio_reactor_init(&reactor), TSIO_E_SYSTEM);
    CHECK_EQ(errno, EMFILE);
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    CHECK_EQ(alloc_live, 0);
}

static void errors_that_pass_and_errors_that_do_not(void)
{
    static const int errors[] = {EAGAIN, EINTR, ENOBUFS, EPIPE, ECONNRESET, ETIMEDOUT};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        wire line;
        const tsio_io_status expected = i < 3 ? TSIO_IO_WAIT : TSIO_IO_BROKEN;
        reactor_start();
        wire_open(&line);
        wire_say(&line, TSIO_WS_TEXT, "x");
        be_mean(SIZE_MAX, errors[i], 1);
        CHECK_EQ(tsio_reactor_read(&reactor, &line.conn), expected);
        CHECK_EQ(errno, errors[i]);
        CHECK(!tsio_conn_has_input(&line.conn));
        wire_queue(&line, "y", 1);
        CHECK_EQ(tsio_reactor_flush(&reactor, next_dirty()->front), expected);
        CHECK(i < 3 || errno == errors[i]);
        CHECK_EQ(line.conn.blocked, i < 3);
        be_mean(SIZE_MAX, 0, 1);
        CHECK_EQ(tsio_reactor_read(&reactor, &line.conn), TSIO_IO_OK); /* nothing was lost */
        wire_check_text(&line, "x");
        wire_check_nothing(&line);
        if (i < 3)
            CHECK_EQ(tsio_reactor_flush(&reactor, line.conn.front), TSIO_IO_WAIT); /* until it is unblocked */
        tsio_reactor_unblock(&line.conn);
        CHECK_EQ(tsio_reactor_flush(&reactor, next_dirty()->front), TSIO_IO_OK);
        wire_check_arrived(&line, "\x81\x01y", 3);
        wire_close(&line);
        reactor_finish();
    }
}

int main(void)
{
    alloc_install();
    starting_without_memory();
    adding_without_memory_changes_nothing();
    what_the_system_refuses_stays_the_callers();
    errors_that_pass_and_errors_that_do_not();
    return check_done("reactor_failures");
}
