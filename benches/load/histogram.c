#include "load/histogram.h"

#include <math.h>

enum { PARTS = 1 << HISTOGRAM_BITS };

/* How far a value is shifted so that seven bits remain: below 64 all are exact. */
static unsigned shift_of(uint64_t value)
{
    const unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    return bits > HISTOGRAM_BITS + 1 ? bits - HISTOGRAM_BITS - 1 : 0;
}

static unsigned bucket_of(uint64_t value)
{
    const unsigned shift = shift_of(value);
    return (shift << HISTOGRAM_BITS) + (unsigned)(value >> shift);
}

/* The largest value of a bucket. From the second power of two on, the value that
 * is left of the shift lies between PARTS and 2 * PARTS - 1. */
static uint64_t top_of(unsigned bucket)
{
    if (bucket < 2 * PARTS)
        return bucket;
    const unsigned shift = (bucket >> HISTOGRAM_BITS) - 1;
    const uint64_t part = (bucket & (PARTS - 1)) + PARTS;
    return ((part + 1) << shift) - 1;
}

void histogram_add(bench_histogram *histogram, uint64_t value)
{
    histogram->buckets[bucket_of(value)]++;
    histogram->count++;
    if (value > histogram->max)
        histogram->max = value;
}

uint64_t histogram_at(const bench_histogram *histogram, double quantile)
{
    const uint64_t rank = (uint64_t)ceil(quantile * (double)histogram->count);
    uint64_t seen = 0;
    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        seen += histogram->buckets[bucket];
        if (seen >= rank && seen > 0)
            return top_of(bucket) < histogram->max ? top_of(bucket) : histogram->max;
    }
    return 0;
}
