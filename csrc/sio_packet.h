/* sio_packet.h -- scans the head of an encoded Socket.IO 5 packet.
 *
 *     <type> [<attachments> '-'] [<namespace> ','] [<ack id>] [<JSON>]
 *
 *     2["hi"]                     EVENT in "/"
 *     2/chat,17["hi"]             EVENT in "/chat" that requests ack 17
 *     51-/chat,["f",{...}]        BINARY_EVENT, one attachment follows
 *     0/chat                      CONNECT; the ',' is left out at the end of the packet
 *     ^ ^^   ^
 *     | ||   json_offset
 *     | |namespace (with its '/')
 *     | attachments: types 5 and 6 only
 *     type
 */
#ifndef TSIO_SIO_PACKET_H
#define TSIO_SIO_PACKET_H

#include "base.h"

typedef struct {
    uint8_t type;         /* 0..6, the digit's value */
    uint32_t attachments; /* at least 1 for types 5 and 6, else 0 */
    const uint8_t *nsp;   /* borrowed from the packet, begins with '/'; NULL when absent, meaning "/" */
    size_t nsp_len;
    bool has_id;
    uint64_t id;        /* at most 2^53-1: exact in every peer's number type */
    size_t json_offset; /* where the JSON begins; the packet's length when there is none */
} tsio_sio_head;

/* Parses the head of a packet. `data` is borrowed (NULL is fine when len is 0). The
 * namespace is neither unescaped nor checked, and the JSON is not read. On an error
 * *head is unspecified. The errors are:
 *
 *     TSIO_E_PACKET_TYPE            empty packet, or it does not begin with 0..6
 *     TSIO_E_ATTACHMENT_COUNT       types 5 and 6: no digits, a leading zero (so also a count
 *                                   of 0), more than 10 digits, or no '-' after them
 *     TSIO_E_TOO_MANY_ATTACHMENTS   a count above max_attachments
 *     TSIO_E_ACK_ID                 more than 16 digits or a value above 2^53-1
 *
 * O(length of the head). */
tsio_status tsio_sio_head_parse(const uint8_t *data, size_t len, uint32_t max_attachments, tsio_sio_head *head);

#endif
