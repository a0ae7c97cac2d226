#include "eio_payload.h"

#include "utf8.h"

void tsio_eio_splitter_init(tsio_eio_splitter *splitter, const uint8_t *payload, size_t len)
{
    *splitter = (tsio_eio_splitter){
        .pos = payload,
        .end = len > 0 ? payload + len : payload,
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

    const uint8_t *start = splitter->pos;
    if (start == splitter->end || *start == TSIO_EIO_SEPARATOR)
        return fail(splitter, TSIO_E_EMPTY_PACKET);

    const uint8_t *stop = memchr(start, TSIO_EIO_SEPARATOR, (size_t)(splitter->end - start));
    if (stop == NULL) {
        stop = splitter->end;
        splitter->done = true;
    } else {
        /* This may be the end of the payload: after a trailing separator, the next
         * call finds an empty packet, which is an error. */
        splitter->pos = stop + 1;
    }
    packet->binary = *start == 'b';
    packet->packet = start + packet->binary;
    packet->len = (size_t)(stop - packet->packet);
    *more = true;
    return TSIO_OK;
}

/* --- revision 3 ------------------------------------------------------------ */

static size_t rest(const tsio_eio_splitter *splitter)
{
    return (size_t)(splitter->end - splitter->pos);
}

/* Reads the digits of a length and the byte `end` behind them. `zero` is the digit 0. */
static bool read_length(tsio_eio_splitter *splitter, uint8_t zero, uint8_t end, size_t *length)
{
    const uint8_t *first = splitter->pos;
    *length = 0;
    for (; splitter->pos < splitter->end && *splitter->pos != end; splitter->pos++) {
        const uint8_t digit = (uint8_t)(*splitter->pos - zero);
        const bool is_second_after_zero = splitter->pos > first && *length == 0;
        if (digit > 9 || is_second_after_zero)
            return false;
        *length = 10 * *length + digit;
        if (*length > rest(splitter)) /* so that the length cannot overflow */
            return false;
    }
    if (splitter->pos == first || splitter->pos == splitter->end)
        return false;
    splitter->pos++;
    return *length <= rest(splitter); /* no text has more code units than bytes */
}

/* Reads the next packet. Its length is in bytes if `in_bytes`, otherwise in UTF-16 code units. */
static tsio_status read_packet(tsio_eio_splitter *splitter, tsio_eio_packet *packet, bool in_bytes)
{
    size_t length;
    if (!read_length(splitter, in_bytes ? 0 : '0', in_bytes ? TSIO_EIO3_LENGTH_END : ':', &length))
        return TSIO_E_PACKET_LENGTH;
    const size_t bytes = in_bytes ? length : tsio_utf8_find_utf16(splitter->pos, rest(splitter), length);
    if (bytes > rest(splitter))
        return TSIO_E_PACKET_LENGTH;
    packet->packet = splitter->pos;
    packet->len = bytes;
    splitter->pos += bytes;
    return TSIO_OK;
}

static tsio_status next_packet(tsio_eio_splitter *splitter, tsio_eio_packet *packet, bool *more, bool is_binary_body)
{
    tsio_eio_packet found = {.len = 0};
    *more = false;
    while (splitter->failed == TSIO_OK && found.len == 0) {
        if (splitter->pos == splitter->end)
            return TSIO_OK;
        splitter->begun = true;
        if (is_binary_body) {
            const uint8_t kind = *splitter->pos++;
            if (kind > TSIO_EIO3_BINARY)
                return fail(splitter, TSIO_E_PACKET_TYPE);
            found.binary = kind == TSIO_EIO3_BINARY;
        }
        splitter->failed = read_packet(splitter, &found, is_binary_body);
    }
    if (splitter->failed != TSIO_OK)
        return splitter->failed;
    *packet = found;
    *more = true;
    return TSIO_OK;
}

tsio_status tsio_eio3_splitter_next(tsio_eio_splitter *splitter, tsio_eio_packet *packet, bool *more)
{
    if (!splitter->begun && splitter->pos == splitter->end)
        splitter->failed = TSIO_E_EMPTY_PACKET;
    return next_packet(splitter, packet, more, false);
}

tsio_status tsio_eio3_binary_splitter_next(tsio_eio_splitter *splitter, tsio_eio_packet *packet, bool *more)
{
    return next_packet(splitter, packet, more, true);
}
