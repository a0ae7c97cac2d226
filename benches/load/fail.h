/* fail.h -- the end of a program that cannot go on. */
#ifndef BENCH_FAIL_H
#define BENCH_FAIL_H

#include <stddef.h>

/* Says why on stderr, after the program's name, and exits with 1. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* realloc that fails loudly: a benchmark without memory has no result. */
void *grow(void *block, size_t size);

#endif
