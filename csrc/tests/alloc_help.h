/* alloc_help.h -- an allocator for tests. It counts blocks, fails on request, moves every
 * block on realloc(), and overwrites memory both when it is allocated and when it is freed. */
#ifndef TSIO_ALLOC_HELP_H
#define TSIO_ALLOC_HELP_H

#include "buf.h"
#include "check.h"

static size_t alloc_live;    /* blocks that are not freed */
static size_t alloc_calls;   /* calls of realloc */
static size_t alloc_fail_at; /* the call that fails, counted like alloc_calls; 0: none */
static bool alloc_fail_rest; /* all calls after it fail, too */

enum { ALLOC_HEAD = 16, ALLOC_POISON = 0xa5 }; /* the head contains the size and preserves the alignment */

static inline size_t alloc_size(const uint8_t *block)
{
    size_t size;
    memcpy(&size, block - ALLOC_HEAD, sizeof size);
    return size;
}

static void alloc_free(void *block)
{
    if (block == NULL)
        return;
    CHECK(alloc_live > 0);
    alloc_live--;
    uint8_t *start = (uint8_t *)block - ALLOC_HEAD;
    memset(block, ALLOC_POISON, alloc_size(block));
    free(start);
}

static void *alloc_realloc(void *block, size_t size)
{
    CHECK(size > 0);
    alloc_calls++;
    if (alloc_fail_at != 0 && (alloc_calls == alloc_fail_at || (alloc_fail_rest && alloc_calls > alloc_fail_at)))
        return NULL;
    if (size > SIZE_MAX / 4)
        return NULL;
    uint8_t *start = malloc(ALLOC_HEAD + size);
    CHECK(start != NULL);
    memcpy(start, &size, sizeof size);
    uint8_t *moved = start + ALLOC_HEAD;
    memset(moved, ALLOC_POISON, size);
    if (block != NULL)
        memcpy(moved, block, alloc_size(block) < size ? alloc_size(block) : size);
    alloc_free(block);
    alloc_live++;
    return moved;
}

/* The number of blocks that a few idle connections have allocated: one chunk for their fronts. */
enum { FRONTS = 1 };

/* Installs the allocator. Call it first in the main() of a test program. */
static inline void alloc_install(void)
{
    tsio_alloc = (tsio_alloc_hook){alloc_realloc, alloc_free};
}

/* Makes the n-th allocation from now on fail, and with `rest` all that follow, too. */
static inline void alloc_fail(size_t n, bool rest)
{
    alloc_calls = 0;
    alloc_fail_at = n;
    alloc_fail_rest = rest;
}

/* Returns whether an allocation has failed since alloc_fail(), and lets all further ones succeed. */
static inline bool alloc_heal(void)
{
    const bool hit = alloc_fail_at != 0 && alloc_calls >= alloc_fail_at;
    alloc_fail_at = 0;
    return hit;
}

#endif
