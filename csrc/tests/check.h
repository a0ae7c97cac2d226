/* check.h -- helpers for all test programs: checks that are active in every build,
 * a seeded generator of random numbers, and blocks of an exact size. */
#ifndef TSIO_CHECK_H
#define TSIO_CHECK_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_FAIL(...)                                                    \
    do {                                                                   \
        fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, __func__);      \
        fprintf(stderr, __VA_ARGS__);                                      \
        fputc('\n', stderr);                                               \
        abort();                                                           \
    } while (0)

#define CHECK(condition)                                  \
    do {                                                  \
        if (!(condition))                                 \
            CHECK_FAIL("not true: %s", #condition);       \
    } while (0)

/* Compares integers of any type. For uint64_t values above INT64_MAX, use CHECK. */
#define CHECK_EQ(actual, expected)                                                              \
    do {                                                                                        \
        const int64_t check_actual = (int64_t)(actual), check_expected = (int64_t)(expected);   \
        if (check_actual != check_expected)                                                     \
            CHECK_FAIL("%s is %" PRId64 ", not %" PRId64, #actual, check_actual, check_expected); \
    } while (0)

#define CHECK_BYTES(actual, actual_len, expected, expected_len)                                    \
    do {                                                                                           \
        CHECK_EQ(actual_len, expected_len);                                                        \
        if (!check_same((actual), (expected), (size_t)(expected_len)))                             \
            CHECK_FAIL("%s has not the expected %zu bytes", #actual, (size_t)(expected_len));      \
    } while (0)

/* Returns whether the bytes are equal. memcmp() must not get NULL, even with a length of 0. */
static inline bool check_same(const void *a, const void *b, size_t len)
{
    return len == 0 || memcmp(a, b, len) == 0;
}

/* Expands to two arguments: a pointer to the bytes of a string literal, and their number, without the terminator. */
#define BYTES(literal) ((const uint8_t *)(literal)), (sizeof(literal) - 1)

/* Random numbers from a fixed seed, so that a test uses the same numbers in every run. */
typedef struct {
    uint64_t state;
} check_rng;

static inline uint64_t check_random(check_rng *rng)
{
    /* A linear congruential generator of full period. Its high bits are the most random, so they are mixed
     * into the low ones. */
    rng->state = rng->state * 6364136223846793005u + 1442695040888963407u;
    uint64_t x = rng->state;
    x ^= x >> 33;
    x *= 0x9e3779b97f4a7c15u;
    return x ^ x >> 29;
}

/* Returns a random number below `bound`, which must be above 0. */
static inline size_t check_below(check_rng *rng, size_t bound)
{
    return (size_t)(check_random(rng) % bound);
}

static inline void check_random_bytes(check_rng *rng, uint8_t *dst, size_t len)
{
    for (size_t i = 0; i < len; i++)
        dst[i] = (uint8_t)check_random(rng);
}

/* Copies `len` bytes (zeros when src is NULL) to an allocated block that ends exactly
 * behind them, so that AddressSanitizer reports any access beyond. For length 0, the
 * result points at the end of the allocation. Free it with check_block_free(). */
static inline uint8_t *check_block(const void *src, size_t len)
{
    uint8_t *start = calloc(1, len > 0 ? len : 1);
    CHECK(start != NULL);
    if (len == 0)
        return start + 1;
    if (src != NULL)
        memcpy(start, src, len);
    return start;
}

static inline void check_block_free(uint8_t *block, size_t len)
{
    free(len > 0 ? block : block - 1);
}

/* Reports success, and returns the exit code. Call it last in the main() of a test program. */
static inline int check_done(const char *name)
{
    printf("ok %s\n", name);
    return 0;
}

#endif
