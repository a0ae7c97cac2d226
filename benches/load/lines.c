#include "load/lines.h"

#include <errno.h>
#include <unistd.h>

#include "load/fail.h"

static void fill(bench_lines *lines)
{
    const size_t room = LINE_LEN_MAX - lines->held_len;
    if (room == 0)
        fail("a line on stdin has more than %d characters", LINE_LEN_MAX);
    const ssize_t count = read(STDIN_FILENO, lines->held + lines->held_len, room);
    if (count > 0)
        lines->held_len += (size_t)count;
    else if (count == 0 || errno != EINTR)
        lines->ended = true;
}

/* Watched only until something came: while a command runs, further ones may wait. */
static void on_ready(net_conn *conn)
{
    net_release(conn);
    fill(conn->owner);
}

static const net_handler HANDLER = {.ready = on_ready};

void lines_init(bench_lines *lines)
{
    *lines = (bench_lines){.conn = {.fd = -1, .handler = &HANDLER, .owner = lines}};
}

static bool take(bench_lines *lines, char *line)
{
    const char *end = memchr(lines->held, '\n', lines->held_len);
    if (end == NULL)
        return false;
    const size_t len = (size_t)(end - lines->held);
    memcpy(line, lines->held, len);
    line[len] = '\0';
    lines->held_len -= len + 1;
    memmove(lines->held, end + 1, lines->held_len);
    return true;
}

bool lines_next(bench_lines *lines, bench_load *load, char line[LINE_LEN_MAX + 1])
{
    while (!take(lines, line)) {
        if (lines->ended || load->broken)
            return false;
        if (lines->conn.fd < 0 && !net_adopt(&load->net, &lines->conn, STDIN_FILENO))
            fill(lines); /* a plain file: epoll does not watch it, and it is always readable */
        else
            net_pass(&load->net, -1);
    }
    return true;
}
