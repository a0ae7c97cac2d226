/* classic_event.h -- reads an event that a server has published with Node's package
 * @socket.io/redis-adapter 8, or with an adapter or emitter that is compatible.
 *
 *     [ uid, {"type": 2, "data": [name, ...], "nsp": "/"}, {options}, seq ]
 *
 * It is MessagePack. The number `seq` is not in Node's messages.
 */
#ifndef TSIO_CLASSIC_EVENT_H
#define TSIO_CLASSIC_EVENT_H

#include "message.h"
#include "msgpack.h"

/* The parts of an event, as they are in the message, which owns the bytes. */
typedef struct {
    tsio_piece uid, nsp, name; /* texts; whether they are UTF-8 is not checked */
    tsio_piece data, options;  /* MessagePack, an array with at least one item and a map */
    bool has_seq;
    uint64_t seq; /* at most 2^53-1 */
} tsio_classic_event;

/* Reads the parts of a message. False: it is no event, or not one of the usual form, with just these
 * keys in any order; then *event is unspecified. Nothing is said about the items inside of the data
 * and options, except that they are complete and that there is nothing behind them. O(bytes). */
bool tsio_classic_event_read(const uint8_t *message, size_t len, tsio_classic_event *event);

#endif
