/* msgpack.h -- reads MessagePack (its specification, version 5) item by item.
 *
 *     93            array of 3: its items follow
 *     a2 68 69      text "hi"
 *     81            map of 1: a key and a value follow
 *     a1 6b  07     "k", 7
 *     c0            nil
 *
 * Extension types, which include times, are not read.
 */
#ifndef TSIO_MSGPACK_H
#define TSIO_MSGPACK_H

#include "base.h"

/* What remains to be read. The bytes are borrowed. */
typedef struct {
    const uint8_t *at, *end;
} tsio_msgpack;

typedef enum {
    TSIO_MSGPACK_NIL,
    TSIO_MSGPACK_FALSE,
    TSIO_MSGPACK_TRUE,
    TSIO_MSGPACK_UINT,   /* number: the value */
    TSIO_MSGPACK_INT,    /* number: the negative value, in two's complement */
    TSIO_MSGPACK_FLOAT,  /* real: the value, which may be infinite or NaN */
    TSIO_MSGPACK_TEXT,   /* number: the length of `data`, which may be no UTF-8 */
    TSIO_MSGPACK_BINARY, /* number: the length of `data` */
    TSIO_MSGPACK_ARRAY,  /* number: how many items follow */
    TSIO_MSGPACK_MAP     /* number: how many pairs of items follow */
} tsio_msgpack_kind;

typedef struct {
    tsio_msgpack_kind kind;
    uint64_t number;
    double real;
    const uint8_t *data; /* borrowed */
} tsio_msgpack_item;

/* Reads one item, without the items inside of an array or map. False: the input ends before the item does, or it
 * is of another kind; then *in and *item are unspecified. O(1). */
bool tsio_msgpack_next(tsio_msgpack *in, tsio_msgpack_item *item);

/* Skips one item with all items inside of it. False as above. O(bytes), without recursion. */
bool tsio_msgpack_skip(tsio_msgpack *in);

/* Returns whether an item is this text. `text` ends with a zero. */
static inline bool tsio_msgpack_is(const tsio_msgpack_item *item, const char *text)
{
    const size_t len = strlen(text);
    return item->kind == TSIO_MSGPACK_TEXT && item->number == len && memcmp(item->data, text, len) == 0;
}

#endif
