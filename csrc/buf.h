/* buf.h -- the allocator hook, and a growable byte buffer.
 *
 *     data               data + len           data + cap
 *      |  bytes in use    |  room to append    |
 *
 * A zero-initialised buffer is empty and owns nothing. Not thread-safe.
 */
#ifndef TSIO_BUF_H
#define TSIO_BUF_H

#include "base.h"

/* Every allocation of csrc goes through this hook, so that a test can make the
 * n-th one fail. It is set before the first allocation and then left alone: what
 * one `realloc` gave must go back to the `free` beside it. */
typedef struct {
    void *(*realloc)(void *block, size_t size); /* block may be NULL; size is never 0 */
    void (*free)(void *block);                  /* block may be NULL */
} tsio_alloc_hook;

extern tsio_alloc_hook tsio_alloc;

/* `data` is owned by the buffer, NULL while cap is 0, and valid until the next
 * call that appends, reserves or frees. The fields are public for reading. */
typedef struct {
    uint8_t *data;
    size_t len, cap;
} tsio_buf;

/* Makes room for `extra` bytes behind len. The capacity at least doubles when it
 * grows, so appending n bytes in any pieces is O(n). TSIO_E_NO_MEMORY (also when
 * the sum exceeds SIZE_MAX) leaves the buffer as it was. */
tsio_status tsio_buf_reserve(tsio_buf *buf, size_t extra);

/* Copies `len` bytes, which must not lie in the buffer itself, to its end. `src`
 * may be NULL when len is 0. TSIO_E_NO_MEMORY leaves the buffer as it was. */
tsio_status tsio_buf_append(tsio_buf *buf, const void *src, size_t len);

/* Removes the first `count` bytes; precondition: count <= len. O(what remains). */
void tsio_buf_consume_front(tsio_buf *buf, size_t count);

/* Empties the buffer and keeps its memory. */
void tsio_buf_clear(tsio_buf *buf);

/* Empties the buffer and gives its memory back; it may be used again. */
void tsio_buf_free(tsio_buf *buf);

#endif
