/* eio_payload.h -- splits an Engine.IO payload: the body of one polling request.
 *
 * Revision 4:
 *
 *     packet  0x1e  packet  0x1e  packet
 *
 *     text packet     <type digit> <text>
 *     binary packet   'b' <base64>          always a message, no type digit
 *
 * A packet is never empty, so neither is a payload, and a separator is only ever
 * found between two packets. (Joining is done by message.c.)
 *
 * Revision 3: a length stands before each packet, in the two ways that are drawn in
 * message_forms.h, where it is put there. Packets without any byte are passed over.
 */
#ifndef TSIO_EIO_PAYLOAD_H
#define TSIO_EIO_PAYLOAD_H

#include "base.h"

enum {
    TSIO_EIO_SEPARATOR = 0x1e,
    TSIO_EIO_MESSAGE = 4, /* a packet type, where it is a byte */
    TSIO_EIO3_TEXT = 0,   /* before the length of a text packet in a binary body */
    TSIO_EIO3_BINARY = 1,
    TSIO_EIO3_LENGTH_END = 0xff
};

typedef struct {
    const uint8_t *packet; /* borrowed from the payload */
    size_t len;
    bool binary; /* revision 4: base64 text, the 'b' left out; revision 3: bytes, of which the first is the type */
} tsio_eio_packet;

/* A cursor into a payload that it borrows; all fields are private. */
typedef struct {
    const uint8_t *pos, *end;
    bool begun, done;
    tsio_status failed; /* the error every further call returns */
} tsio_eio_splitter;

/* For any of the forms. `payload` stays the caller's and must outlive the cursor and its packets. NULL
 * is fine when len is 0. */
void tsio_eio_splitter_init(tsio_eio_splitter *splitter, const uint8_t *payload, size_t len);

/* *more = true: *packet is the next packet. *more = false: there was none left
 * (or an error), *packet is untouched. Packets before an error are handed out:
 *
 *     TSIO_E_EMPTY_PACKET       empty payload; leading, doubled or trailing separator
 *
 * After an error every call returns the same one. The base64 text is not looked at. All calls together are O(payload). */
tsio_status tsio_eio_splitter_next(tsio_eio_splitter *splitter, tsio_eio_packet *packet, bool *more);

/* The same for a text body of revision 3, and for a binary one. There the errors are:
 *
 *     TSIO_E_EMPTY_PACKET       empty text body (a binary one without packets is empty)
 *     TSIO_E_PACKET_TYPE        binary body: a packet that is neither text nor binary
 *     TSIO_E_PACKET_LENGTH      a length that is not decimal in its shortest form, is
 *                               not whole, exceeds the body, or ends inside of a character
 *
 * Base64 in text packets ("b4...") is not looked at, nor whether they are UTF-8. */
tsio_status tsio_eio3_splitter_next(tsio_eio_splitter *splitter, tsio_eio_packet *packet, bool *more);
tsio_status tsio_eio3_binary_splitter_next(tsio_eio_splitter *splitter, tsio_eio_packet *packet, bool *more);

#endif
