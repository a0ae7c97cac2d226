#include "buf.h"

#include <stdlib.h>

tsio_alloc_hook tsio_alloc = {realloc, free};

enum { SMALLEST = 64 }; /* smallest capacity: growing from less costs more than it saves */

static size_t grown(size_t cap, size_t needed)
{
    const size_t doubled = cap <= SIZE_MAX / 2 ? 2 * cap : SIZE_MAX;
    const size_t at_least = doubled > SMALLEST ? doubled : SMALLEST;
    return needed > at_least ? needed : at_least;
}

tsio_status tsio_buf_reserve(tsio_buf *buf, size_t extra)
{
    if (extra <= buf->cap - buf->len)
        return TSIO_OK;
    if (extra > SIZE_MAX - buf->len)
        return TSIO_E_NO_MEMORY;
    const size_t cap = grown(buf->cap, buf->len + extra);
    uint8_t *data = tsio_alloc.realloc(buf->data, cap);
    if (data == NULL)
        return TSIO_E_NO_MEMORY;
    buf->data = data;
    buf->cap = cap;
    return TSIO_OK;
}

tsio_status tsio_buf_append(tsio_buf *buf, const void *src, size_t len)
{
    const tsio_status status = tsio_buf_reserve(buf, len);
    if (status != TSIO_OK || len == 0)
        return status;
    memcpy(buf->data + buf->len, src, len);
    buf->len += len;
    return TSIO_OK;
}

void tsio_buf_consume_front(tsio_buf *buf, size_t count)
{
    buf->len -= count;
    if (buf->len > 0 && count > 0)
        memmove(buf->data, buf->data + count, buf->len);
}

void tsio_buf_clear(tsio_buf *buf)
{
    buf->len = 0;
}

void tsio_buf_free(tsio_buf *buf)
{
    tsio_alloc.free(buf->data);
    *buf = (tsio_buf){0};
}
