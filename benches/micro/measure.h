/* measure.h -- times a piece of code, and tells the result in a line of JSON:
 *
 *     {"question": "...", "name": "...", "ns": 12.3, "per": "frame", "spread": 0.02}
 *
 * `ns` is of the fastest repetition: whatever else runs on the machine only ever
 * makes one slower. `spread` is how much longer the median took, as a share. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdint.h>

enum { MEASURE_MOST = 64 };

/* Zero has no repetition. */
typedef struct {
    double ns[MEASURE_MOST];
    uint32_t count;
} measure_times;

/* One more repetition, which took so many nanoseconds for each piece of work. */
void measure_add(measure_times *times, double ns);

/* Prints the line. `per` is the piece of work; neither text holds what JSON escapes. */
void measure_tell(measure_times *times, const char *name, const char *per, const char *question);

/* Calls `run` again and again, each time `pieces` pieces of work, in repetitions of some milliseconds, and tells. */
void measure_calls(const char *name, const char *per, const char *question, void (*run)(void *), void *state,
                   double pieces);

/* Whatever `bytes` hold is looked at: the compiler leaves out nothing that led to them. */
static inline void measure_keep(const void *bytes)
{
    __asm__ volatile("" : : "r"(bytes) : "memory");
}

#endif
