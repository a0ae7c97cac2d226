/* eio_payload.h -- splits an Engine.IO payload, revision 4: the body of one
 * polling request.
 *
 *     packet  0x1e  packet  0x1e  packet
 *
 *     text packet     <type digit> <text>
 *     binary packet   'b' <base64>          always a message, no type digit
 *
 * A packet is never empty, so neither is a payload, and a separator is only ever
 * found between two packets. (Joining is done by message.c.)
 */
#ifndef TSIO_EIO_PAYLOAD_H
#define TSIO_EIO_PAYLOAD_H

#include "base.h"

enum { TSIO_EIO_SEPARATOR = 0x1e };

typedef struct {
    const uint8_t *packet; /* borrowed from the payload; binary: the base64 text after 'b' */
    size_t len;
    bool binary;
} tsio_eio_packet;

/* A cursor into a payload that it borrows; all fields are private. */
typedef struct {
    const uint8_t *pos, *end;
    uint32_t count, max_packets;
    bool done;
    tsio_status failed; /* the error every further call returns */
} tsio_eio_splitter;

/* `payload` stays the caller's and must outlive the cursor and its packets. NULL
 * is fine when len is 0. */
void tsio_eio_splitter_init(tsio_eio_splitter *splitter, const uint8_t *payload, size_t len, uint32_t max_packets);

/* *more = true: *packet is the next packet. *more = false: there was none left
 * (or an error), *packet is untouched. Packets before an error are handed out:
 *
 *     TSIO_E_TOO_MANY_PACKETS   another packet after the max_packets-th
 *     TSIO_E_EMPTY_PACKET       empty payload; leading, doubled or trailing separator
 *
 * (in this order, should both be so). After an error every call returns the same
 * one. The base64 text is not looked at. All calls together are O(payload). */
tsio_status tsio_eio_splitter_next(tsio_eio_splitter *splitter, tsio_eio_packet *packet, bool *more);

#endif
