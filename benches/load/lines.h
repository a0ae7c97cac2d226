/* lines.h -- lines from stdin, under the same epoll as the connections. */
#ifndef BENCH_LINES_H
#define BENCH_LINES_H

#include "load/load.h"

enum { LINE_LEN_MAX = 127 };

typedef struct {
    net_conn conn; /* stdin, while it is waited for */
    bool ended;
    char held[LINE_LEN_MAX]; /* what has been read and not been taken */
    size_t held_len;
} bench_lines;

void lines_init(bench_lines *lines);

/* Runs the load until a line has come, and copies it, without its end, to `line`.
 * False: stdin has ended, or the load broke. */
bool lines_next(bench_lines *lines, bench_load *load, char line[LINE_LEN_MAX + 1]);

#endif
