#include "eio_payload.h"

void tsio_eio_splitter_init(tsio_eio_splitter *splitter, const uint8_t *payload, size_t len, uint32_t max_packets)
{
    *splitter = (tsio_eio_splitter){
        .pos = payload,
        .end = len > 0 ? payload + len : payload,
        .max_packets = max_packets,
    };
}

static tsio_status fail(tsio_eio_splitter *splitter, tsio_status status)
{
    splitter->failed = status;
    return status;
}

tsio_status tsio_eio_splitter_next(tsio_eio_splitter *splitter, tsio_eio_packet *packet, bool *more)
{
    *more = false;
    if (splitter->failed != TSIO_OK || splitter->done)
        return splitter->failed;
    if (splitter->count == splitter->max_packets)
        return fail(splitter, TSIO_E_TOO_MANY_PACKETS);

    const uint8_t *start = splitter->pos;
    if (start == splitter->end || *start == TSIO_EIO_SEPARATOR)
        return fail(splitter, TSIO_E_EMPTY_PACKET);

    const uint8_t *stop = memchr(start, TSIO_EIO_SEPARATOR, (size_t)(splitter->end - start));
    if (stop == NULL) {
        stop = splitter->end;
        splitter->done = true;
    } else {
        /* May be the end of the payload: a trailing separator promises one more
         * packet, which the next call finds empty. */
        splitter->pos = stop + 1;
    }
    packet->binary = *start == 'b';
    packet->packet = start + packet->binary;
    packet->len = (size_t)(stop - packet->packet);
    splitter->count++;
    *more = true;
    return TSIO_OK;
}
