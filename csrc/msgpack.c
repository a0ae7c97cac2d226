#include "msgpack.h"

/* Reads an unsigned number of `width` bytes. */
static bool read_uint(tsio_msgpack *in, size_t width, uint64_t *value)
{
    if ((size_t)(in->end - in->at) < width)
        return false;
    *value = 0;
    for (size_t i = 0; i < width; i++)
        *value = *value << 8 | in->at[i];
    in->at += width;
    return true;
}

static bool read_signed(tsio_msgpack *in, size_t width, tsio_msgpack_item *item)
{
    uint64_t value;
    if (!read_uint(in, width, &value))
        return false;
    const uint64_t sign = (uint64_t)1 << (8 * width - 1);
    const bool is_negative = (value & sign) != 0;
    item->kind = is_negative ? TSIO_MSGPACK_INT : TSIO_MSGPACK_UINT;
    item->number = is_negative ? value | ~(sign - 1) : value;
    return true;
}

static bool read_float(tsio_msgpack *in, size_t width, tsio_msgpack_item *item)
{
    uint64_t bits;
    if (!read_uint(in, width, &bits))
        return false;
    item->kind = TSIO_MSGPACK_FLOAT;
    if (width == sizeof(double)) {
        memcpy(&item->real, &bits, sizeof item->real);
    } else {
        const uint32_t half = (uint32_t)bits;
        float real;
        memcpy(&real, &half, sizeof real);
        item->real = (double)real;
    }
    return true;
}

/* Sets the bytes of a text or binary, whose length is `item->number`. */
static bool read_bytes(tsio_msgpack *in, tsio_msgpack_kind kind, tsio_msgpack_item *item)
{
    if ((size_t)(in->end - in->at) < item->number)
        return false;
    item->kind = kind;
    item->data = in->at;
    in->at += item->number;
    return true;
}

static bool set(tsio_msgpack_item *item, tsio_msgpack_kind kind, uint64_t number)
{
    item->kind = kind;
    item->number = number;
    return true;
}

/* Reads an item whose number takes `width` bytes. */
static bool read_wide(tsio_msgpack *in, tsio_msgpack_kind kind, size_t width, tsio_msgpack_item *item)
{
    if (!read_uint(in, width, &item->number))
        return false;
    if (kind == TSIO_MSGPACK_TEXT || kind == TSIO_MSGPACK_BINARY)
        return read_bytes(in, kind, item);
    item->kind = kind;
    return true;
}

bool tsio_msgpack_next(tsio_msgpack *in, tsio_msgpack_item *item)
{
    if (in->at == in->end)
        return false;
    const uint8_t head = *in->at++;
    if (head < 0x80)
        return set(item, TSIO_MSGPACK_UINT, head);
    if (head < 0x90)
        return set(item, TSIO_MSGPACK_MAP, head & 0x0f);
    if (head < 0xa0)
        return set(item, TSIO_MSGPACK_ARRAY, head & 0x0f);
    if (head < 0xc0) {
        item->number = head & 0x1f;
        return read_bytes(in, TSIO_MSGPACK_TEXT, item);
    }
    if (head >= 0xe0)
        return set(item, TSIO_MSGPACK_INT, head | ~(uint64_t)0xff);
    switch (head) {
    case 0xc0:
        return set(item, TSIO_MSGPACK_NIL, 0);
    case 0xc2:
        return set(item, TSIO_MSGPACK_FALSE, 0);
    case 0xc3:
        return set(item, TSIO_MSGPACK_TRUE, 0);
    case 0xc4: case 0xc5: case 0xc6:
        return read_wide(in, TSIO_MSGPACK_BINARY, (size_t)1 << (head - 0xc4), item);
    case 0xca: case 0xcb:
        return read_float(in, (size_t)4 << (head - 0xca), item);
    case 0xcc: case 0xcd: case 0xce: case 0xcf:
        return read_wide(in, TSIO_MSGPACK_UINT, (size_t)1 << (head - 0xcc), item);
    case 0xd0: case 0xd1: case 0xd2: case 0xd3:
        return read_signed(in, (size_t)1 << (head - 0xd0), item);
    case 0xd9: case 0xda: case 0xdb:
        return read_wide(in, TSIO_MSGPACK_TEXT, (size_t)1 << (head - 0xd9), item);
    case 0xdc: case 0xdd:
        return read_wide(in, TSIO_MSGPACK_ARRAY, (size_t)2 << (head - 0xdc), item);
    case 0xde: case 0xdf:
        return read_wide(in, TSIO_MSGPACK_MAP, (size_t)2 << (head - 0xde), item);
    default:
        return false;
    }
}

bool tsio_msgpack_skip(tsio_msgpack *in)
{
    tsio_msgpack_item item;
    uint64_t missing = 1;
    while (missing > 0) {
        /* Each item has at least one byte. So this also keeps the sum far from an overflow. */
        if (missing > (uint64_t)(in->end - in->at) || !tsio_msgpack_next(in, &item))
            return false;
        missing--;
        if (item.kind == TSIO_MSGPACK_ARRAY)
            missing += item.number;
        else if (item.kind == TSIO_MSGPACK_MAP)
            missing += 2 * item.number;
    }
    return true;
}
