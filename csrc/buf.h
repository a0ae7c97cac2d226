/* buf.h -- the allocator hook, and a growable byte buffer.
 *
 *     data               data + len           data + cap
 *      |  bytes in use    |  room to append    |
 *
 * A zero-initialised buffer is empty and owns no memory. Not thread-safe.
 */
#ifndef TSIO_BUF_H
#define TSIO_BUF_H

#include "base.h"

/* Every allocation of csrc goes through this hook, so that a test can make the n-th
 * allocation fail. Set it before the first allocation and do not change it later:
 * a block must be freed by the `free` that belongs to its `realloc`. */
typedef struct {
    void *(*realloc)(void *block, size_t size); /* block may be NULL; size is never 0 */
    void (*free)(void *block);                  /* block may be NULL */
} tsio_alloc_hook;

extern tsio_alloc_hook tsio_alloc;

/* The buffer owns `data`, which is NULL while cap is 0, and valid until the next call
 * that appends, reserves or frees. The fields are public for reading. */
typedef struct {
    uint8_t *data;
    size_t len, cap;
} tsio_buf;

/* Makes room for `extra` bytes behind len. When the capacity grows, it at least
 * doubles, so that appending n bytes in pieces is O(n). TSIO_E_NO_MEMORY (also
 * returned when the sum exceeds SIZE_MAX) leaves the buffer as it was. */
tsio_status tsio_buf_reserve(tsio_buf *buf, size_t extra);

/* Copies `len` bytes to the end of the buffer. They must not lie in the buffer itself.
 * `src` may be NULL when len is 0. TSIO_E_NO_MEMORY leaves the buffer as it was. */
tsio_status tsio_buf_append(tsio_buf *buf, const void *src, size_t len);

/* Removes the first `count` bytes. Precondition: count <= len. O(bytes that remain). */
void tsio_buf_consume_front(tsio_buf *buf, size_t count);

/* Empties the buffer and keeps its memory. */
void tsio_buf_clear(tsio_buf *buf);

/* Empties the buffer and frees its memory. The buffer may be used again. */
void tsio_buf_free(tsio_buf *buf);

#endif
