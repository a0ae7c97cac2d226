#include "micro/measure.h"

#include <stdio.h>
#include <stdlib.h>

#include "load/clock.h"

enum { REPETITIONS = 40, REPETITION_NS = 3000000 };

void measure_add(measure_times *times, double ns)
{
    if (times->count < MEASURE_MOST)
        times->ns[times->count++] = ns;
}

static int compare(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

void measure_tell(measure_times *times, const char *name, const char *per, const char *question)
{
    qsort(times->ns, times->count, sizeof *times->ns, compare);
    const double best = times->ns[0], median = times->ns[times->count / 2];
    printf("{\"question\": \"%s\", \"name\": \"%s\", \"ns\": %.3f, \"per\": \"%s\", \"spread\": %.3f}\n", question, name,
           best, per, median / best - 1);
    fflush(stdout);
}

static double time_calls(void (*run)(void *), void *state, uint64_t calls)
{
    const uint64_t start = clock_now_ns();
    for (uint64_t i = 0; i < calls; i++)
        run(state);
    return (double)(clock_now_ns() - start);
}

void measure_calls(const char *name, const char *per, const char *question, void (*run)(void *), void *state,
                   double pieces)
{
    uint64_t calls = 1;
    while (time_calls(run, state, calls) < REPETITION_NS)
        calls *= 2;
    measure_times times = {.count = 0};
    for (int i = 0; i < REPETITIONS; i++)
        measure_add(&times, time_calls(run, state, calls) / ((double)calls * pieces));
    measure_tell(&times, name, per, question);
}
