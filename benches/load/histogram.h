/* histogram.h -- latencies, to within 1.6 %, in a fixed 30 KB.
 *
 *     value in ns     1abcdef.......   ->   bucket   (position of the 1, abcdef)
 *
 * Each power of two is cut in 64 equal buckets. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_BITS = 6, HISTOGRAM_BUCKETS = (64 - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS };

/* Zero is the empty histogram. */
typedef struct {
    uint64_t count, max;
    uint64_t buckets[HISTOGRAM_BUCKETS];
} bench_histogram;

void histogram_add(bench_histogram *histogram, uint64_t value);

/* The value which a share of `quantile` (0 to 1) does not exceed; 0 when empty. */
uint64_t histogram_at(const bench_histogram *histogram, double quantile);

#endif
