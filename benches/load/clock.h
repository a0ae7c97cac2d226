/* clock.h -- the time all latencies are taken with. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_SECOND UINT64_C(1000000000)

static inline uint64_t clock_ns(clockid_t id)
{
    struct timespec time;
    if (clock_gettime(id, &time) != 0)
        return 0;
    return (uint64_t)time.tv_sec * NS_PER_SECOND + (uint64_t)time.tv_nsec;
}

static inline uint64_t clock_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

static inline uint64_t seconds_to_ns(double seconds)
{
    return (uint64_t)(seconds * 1e9);
}

#endif
