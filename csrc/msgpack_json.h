/* msgpack_json.h -- writes a MessagePack value as JSON (RFC 8259), without decoding it first.
 *
 *     92 a2 68 69 81 a1 6b cb 3f e0 00 00 00 00 00 00        ["hi",{"k":0.5}]
 *
 * Only what JSON has is written, with texts as keys. NaN and infinities become null. The
 * names in an object may repeat, if they do in the input: parsers take the last one.
 */
#ifndef TSIO_MSGPACK_JSON_H
#define TSIO_MSGPACK_JSON_H

#include "msgpack.h"

enum {
    TSIO_JSON_GROWTH = 6,     /* the JSON of a value has at most so many times its bytes */
    TSIO_JSON_DEPTH_MAX = 64, /* so many arrays and maps inside of each other are written */
    TSIO_JSON_FLOAT_MAX = 24  /* so many bytes a number may have that a tsio_float_writer writes */
};

/* Writes a finite number, and returns its length; 0: it cannot. */
typedef size_t tsio_float_writer(uint8_t *dst, double value);

/* Reads one value, writes it to `dst` and returns the length of its JSON. `dst` has room for
 * TSIO_JSON_GROWTH times the bytes of `in`. 0: the value is incomplete, too deep, holds something
 * else or a text that is not UTF-8; then *in and `dst` are unspecified. O(bytes), without recursion. */
size_t tsio_msgpack_to_json(tsio_msgpack *in, uint8_t *dst, tsio_float_writer *write_float);

#endif
