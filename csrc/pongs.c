#include "pongs.h"

#include "ws_frame.h"

enum { SMALLEST = 32, HEADER = 2 };

/* Makes room for `extra` bytes. Overwrites the sent frames if they are at least half of the bytes, otherwise grows. */
static tsio_status reserve(tsio_pongs **pongs, size_t extra)
{
    tsio_pongs *old = *pongs;
    if (old != NULL && extra <= old->cap - old->len)
        return TSIO_OK;
    if (old != NULL && old->start >= extra && old->start >= old->len / 2) {
        memmove(old->frames, old->frames + old->start, old->len - old->start);
        old->len -= old->start;
        old->sent -= old->start;
        old->start = 0;
        return TSIO_OK;
    }
    const size_t used = old != NULL ? old->len : 0, doubled = old != NULL ? 2 * old->cap : SMALLEST;
    const size_t cap = used + extra > doubled ? used + extra : doubled;
    tsio_pongs *made = tsio_alloc.realloc(old, sizeof *made + cap);
    if (made == NULL)
        return TSIO_E_NO_MEMORY;
    if (old == NULL)
        *made = (tsio_pongs){0};
    made->cap = cap;
    *pongs = made;
    return TSIO_OK;
}

tsio_status tsio_pongs_add(tsio_pongs **pongs, const uint8_t *payload, size_t len, size_t max_bytes)
{
    size_t waiting;
    uint8_t header[10];
    tsio_pongs_rest(*pongs, &waiting);
    if (waiting + HEADER + len > max_bytes)
        return TSIO_E_TOO_MANY_PINGS;
    const tsio_status status = reserve(pongs, HEADER + len);
    if (status != TSIO_OK)
        return status;
    uint8_t *frame = (*pongs)->frames + (*pongs)->len;
    tsio_ws_header_build(header, TSIO_WS_PONG, len);
    memcpy(frame, header, HEADER);
    if (len > 0)
        memcpy(frame + HEADER, payload, len);
    (*pongs)->len += HEADER + len;
    return TSIO_OK;
}

const uint8_t *tsio_pongs_rest(const tsio_pongs *pongs, size_t *len)
{
    *len = pongs == NULL ? 0 : pongs->len - pongs->sent;
    return pongs == NULL ? NULL : pongs->frames + pongs->sent;
}

void tsio_pongs_advance(tsio_pongs **pongs, size_t sent)
{
    tsio_pongs *waiting = *pongs;
    if (waiting == NULL)
        return;
    waiting->sent += sent;
    if (waiting->sent == waiting->len) {
        tsio_pongs_free(pongs);
        return;
    }
    while (waiting->start + HEADER <= waiting->sent) {
        const size_t next = waiting->start + HEADER + waiting->frames[waiting->start + 1];
        if (next > waiting->sent)
            break;
        waiting->start = next;
    }
}

void tsio_pongs_free(tsio_pongs **pongs)
{
    tsio_alloc.free(*pongs);
    *pongs = NULL;
}
