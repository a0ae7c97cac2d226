#include "classic_event.h"

enum { EVENT = 2, PACKET_KEYS = 3 };

static const uint64_t seq_max = ((uint64_t)1 << 53) - 1;

static bool read_text(tsio_msgpack *in, tsio_piece *text)
{
    tsio_msgpack_item item;
    if (!tsio_msgpack_next(in, &item) || item.kind != TSIO_MSGPACK_TEXT)
        return false;
    *text = (tsio_piece){item.data, (size_t)item.number};
    return true;
}

/* Reads an array that begins with a text. */
static bool read_data(tsio_msgpack *in, tsio_classic_event *event)
{
    const uint8_t *start = in->at;
    tsio_msgpack_item item;
    if (!tsio_msgpack_next(in, &item) || item.kind != TSIO_MSGPACK_ARRAY || item.number == 0)
        return false;
    if (!read_text(in, &event->name))
        return false;
    in->at = start;
    if (!tsio_msgpack_skip(in))
        return false;
    event->data = (tsio_piece){start, (size_t)(in->at - start)};
    return true;
}

static bool read_packet(tsio_msgpack *in, tsio_classic_event *event)
{
    tsio_msgpack_item item;
    bool has_type = false;
    if (!tsio_msgpack_next(in, &item) || item.kind != TSIO_MSGPACK_MAP || item.number != PACKET_KEYS)
        return false;
    event->data.data = event->nsp.data = NULL;
    for (int i = 0; i < PACKET_KEYS; i++) {
        if (!tsio_msgpack_next(in, &item))
            return false;
        if (tsio_msgpack_is(&item, "type") && !has_type) {
            if (!tsio_msgpack_next(in, &item) || item.kind != TSIO_MSGPACK_UINT || item.number != EVENT)
                return false;
            has_type = true;
        } else if (tsio_msgpack_is(&item, "data") && event->data.data == NULL) {
            if (!read_data(in, event))
                return false;
        } else if (tsio_msgpack_is(&item, "nsp") && event->nsp.data == NULL) {
            if (!read_text(in, &event->nsp))
                return false;
        } else {
            return false;
        }
    }
    return true;
}

static bool read_options(tsio_msgpack *in, tsio_classic_event *event)
{
    tsio_msgpack head = *in;
    tsio_msgpack_item item;
    if (!tsio_msgpack_next(&head, &item) || item.kind != TSIO_MSGPACK_MAP)
        return false;
    const uint8_t *start = in->at;
    if (!tsio_msgpack_skip(in))
        return false;
    event->options = (tsio_piece){start, (size_t)(in->at - start)};
    return true;
}

bool tsio_classic_event_read(const uint8_t *message, size_t len, tsio_classic_event *event)
{
    tsio_msgpack in = {message, message + len};
    tsio_msgpack_item item;
    if (!tsio_msgpack_next(&in, &item) || item.kind != TSIO_MSGPACK_ARRAY)
        return false;
    event->has_seq = item.number == 4;
    if (item.number != 3 && !event->has_seq)
        return false;
    if (!read_text(&in, &event->uid) || !read_packet(&in, event) || !read_options(&in, event))
        return false;
    if (event->has_seq) {
        if (!tsio_msgpack_next(&in, &item) || item.kind != TSIO_MSGPACK_UINT || item.number > seq_max)
            return false;
        event->seq = item.number;
    }
    return in.at == in.end;
}
