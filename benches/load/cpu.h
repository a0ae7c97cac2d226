/* cpu.h -- what a stretch of time cost: wall clock, our own CPU and the server's. */
#ifndef BENCH_CPU_H
#define BENCH_CPU_H

#include <stdint.h>
#include <sys/types.h>

typedef struct {
    uint64_t wall_ns, client_ns, server_ns;
} cpu_usage;

/* What was used up to now. The server's CPU is that of all its threads, user and
 * system, in nanoseconds; 0 without a server (`server` 0). */
cpu_usage cpu_now(pid_t server);

cpu_usage cpu_between(const cpu_usage *begin, const cpu_usage *end);

#endif
