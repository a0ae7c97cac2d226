/* eio_payload.h -- splits an Engine.IO payload: the body of one polling request.
 *
 * Revision 4:
 *
 *     packet  0x1e  packet  0x1e  packet
 *
 *     text packet     <type digit> <text>
 *     binary packet   'b' <base64>          always a message, no type digit
 *
 * A packet is never empty. So a payload is never empty, and a separator stands only
 * between two packets. (message.c joins packets.)
 *
 * Revision 3: a length stands before each packet. message_forms.h, which builds such
 * payloads, draws the two forms. Packets of length 0 are skipped.
 */
#ifndef TSIO_EIO_PAYLOAD_H
#define TSIO_EIO_PAYLOAD_H

#include "base.h"

enum {
    TSIO_EIO_SEPARATOR = 0x1e,
    TSIO_EIO_MESSAGE = 4, /* the packet type "message", as a byte */
    TSIO_EIO3_TEXT = 0,   /* before the length of a text packet in a binary body */
    TSIO_EIO3_BINARY = 1,
    TSIO_EIO3_LENGTH_END = 0xff
};

typedef struct {
    const uint8_t *packet; /* borrowed from the payload */
    size_t len;
    bool binary; /* revision 4: `packet` is base64 text without the 'b'; revision 3: bytes, the first is the type */
} tsio_eio_packet;

/* A cursor into a borrowed payload; all fields are private. */
typedef struct {
    const uint8_t *pos, *end;
    bool begun, done;
    tsio_status failed; /* the error that every further call returns */
} tsio_eio_splitter;

/* Starts a cursor, for any of the three forms. `payload` is borrowed, and must outlive the
 * cursor and its packets. NULL is fine when len is 0. */
void tsio_eio_splitter_init(tsio_eio_splitter *splitter, const uint8_t *payload, size_t len);

/* Reads the next packet of a revision 4 payload. *more = true: *packet is the next packet.
 * *more = false: there was none left, or an error; *packet does not change. Packets before
 * an error are returned first. The error is:
 *
 *     TSIO_E_EMPTY_PACKET       empty payload; leading, doubled or trailing separator
 *
 * After an error every call returns the same error. The base64 text is not checked. All
 * calls together are O(payload). */
tsio_status tsio_eio_splitter_next(tsio_eio_splitter *splitter, tsio_eio_packet *packet, bool *more);

/* The same for a text body and for a binary body of revision 3. Their errors are:
 *
 *     TSIO_E_EMPTY_PACKET       empty text body (an empty binary body has no packets, and is valid)
 *     TSIO_E_PACKET_TYPE        binary body: a packet that is neither text nor binary
 *     TSIO_E_PACKET_LENGTH      a length that is not decimal in its shortest form, is
 *                               cut off, exceeds the body, or ends inside a character
 *
 * Neither base64 in text packets ("b4...") nor UTF-8 is checked. */
tsio_status tsio_eio3_splitter_next(tsio_eio_splitter *splitter, tsio_eio_packet *packet, bool *more);
tsio_status tsio_eio3_binary_splitter_next(tsio_eio_splitter *splitter, tsio_eio_packet *packet, bool *more);

#endif
