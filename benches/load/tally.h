/* tally.h -- what was sent, what came back, and how long it took. */
#ifndef BENCH_TALLY_H
#define BENCH_TALLY_H

#include "load/histogram.h"

typedef struct {
    uint64_t expected;   /* deliveries that all events sent so far must cause */
    uint64_t deliveries; /* those that came */
    uint64_t measured;   /* those that came while measuring */
    bench_histogram latency;   /* of what ended while measuring, in ns */
} bench_tally;

#endif
