/* ws_frame.h -- WebSocket frames, server side (RFC 6455 section 5): reads the
 * masked frames of a client, and builds the unmasked frames of a server.
 *
 *      byte 0                 byte 1              2 or 8 bytes     4 bytes
 *     +---+------+--------+  +------+---------+  +------------+  +---------+  +---------
 *     |fin|rsv1-3| opcode |  | mask | length  |  | extended   |  | masking |  | payload
 *     | 1 |  3   |   4    |  |  1   |   7     |  | length     |  | key     |  | data ...
 *     +---+------+--------+  +------+---------+  +------------+  +---------+  +---------
 *      length 0..125 is the length of the payload; 126 and 127 mean that 2 or 8 bytes
 *      with the length follow, big endian. Only frames of a client have a masking key.
 *
 * No I/O, no allocation. Not thread-safe. A reader belongs to one connection.
 */
#ifndef TSIO_WS_FRAME_H
#define TSIO_WS_FRAME_H

#include "base.h"
#include "utf8.h"

/* RFC 6455 section 5.2 */
enum {
    TSIO_WS_CONTINUATION = 0,
    TSIO_WS_TEXT = 1,
    TSIO_WS_BINARY = 2,
    TSIO_WS_CLOSE = 8,
    TSIO_WS_PING = 9,
    TSIO_WS_PONG = 10
};

/* Set in the first byte of a compressed message's first frame: RFC 7692 section 6 */
enum { TSIO_WS_RSV1 = 0x40 };

enum {
    TSIO_WS_CONTROL_MAX = 125,     /* payload bytes of a control frame, RFC 6455 section 5.5 */
    TSIO_WS_CLOSE_NO_STATUS = 1005 /* the close frame had no code, section 7.4.1 */
};

/* A value without pointers. It may be copied by assignment; then only the copy may be used.
 * All fields but `deflate` are private to ws_frame.c. */
typedef struct {
    uint64_t max_message_bytes;
    uint64_t message_bytes; /* sum of the payload lengths in the headers of the message so far */
    uint64_t payload_len;   /* of the frame being read */
    uint64_t payload_pos;   /* payload bytes of that frame that have come */
    uint32_t max_fragments;
    uint32_t fragments; /* frames of the message so far */
    tsio_status failed; /* the error that every further call returns */
    tsio_utf8 text;
    uint8_t message_opcode; /* TEXT or BINARY inside a message, else 0 */
    uint8_t opcode;         /* of the frame being read */
    bool fin;
    bool in_payload; /* the header is complete */
    bool spanned : 1;    /* there was a DATA event of the message already */
    bool closed : 1;     /* a close frame has come */
    bool deflate : 1;    /* permessage-deflate was negotiated; set it between init and the first byte */
    bool compressed : 1; /* the message is compressed: RSV1 of its first frame is set */
    uint8_t key[4];
    uint8_t held_len;
    uint8_t held[TSIO_WS_CONTROL_MAX]; /* an unfinished header, or the payload of a control frame */
} tsio_ws_reader;

typedef enum {
    TSIO_WS_EV_NEED_MORE, /* all input is consumed */
    TSIO_WS_EV_DATA,
    TSIO_WS_EV_PING,
    TSIO_WS_EV_PONG,
    TSIO_WS_EV_CLOSE
} tsio_ws_event_kind;

typedef struct {
    tsio_ws_event_kind kind;
    uint8_t opcode;  /* DATA: the message's opcode, TEXT or BINARY (never CONTINUATION) */
    bool first;      /* DATA: the span starts the message */
    bool final;      /* DATA: the span ends the message */
    bool compressed; /* DATA: the message is compressed, and its UTF-8 is not validated */
    uint8_t *data;  /* DATA: a span of the input, unmasked in place, valid as long as the input;
                     * PING, PONG, CLOSE: inside the reader, valid until the next call on it */
    size_t len;     /* CLOSE: the length of the reason, without the code */
    uint16_t close_code; /* CLOSE: 1005 if the frame carried none */
} tsio_ws_event;

/* Initialises a reader. `max_message_bytes` limits the payload of one message, summed
 * over its frames; `max_fragments` (at least 1) limits the number of these frames, empty
 * ones included. A compressed message may be an eighth and 64 bytes larger, because
 * compression may enlarge it; the caller, which inflates it, applies the limit then.
 * `deflate` is false at first, so that compressed messages are refused. */
void tsio_ws_reader_init(tsio_ws_reader *reader, uint64_t max_message_bytes, uint32_t max_fragments);

/* Reads the next event from `in`, and stores in *used how many bytes were consumed. Call
 * it again with the remaining bytes until it returns NEED_MORE: then all of them are
 * consumed. `in` is borrowed and written to (unmasking); nothing beyond in + len is
 * read. NULL is fine when len is 0.
 *
 * The input may be split anywhere. A payload that comes in pieces gives several
 * DATA events of one message. A message's end is always an event: an empty last
 * fragment gives DATA with len 0. Any other empty fragment gives no event.
 *
 * Errors are returned as early as possible: those of the first two bytes before the
 * length is read (in the order reserved bits, opcode, fragmented control frame, its
 * length, missing mask, misplaced continuation); those of the length (form, message
 * size, number of fragments) before the masking key is read; and invalid UTF-8 at the
 * first byte that makes the text invalid (in a compressed message, the caller checks it
 * after inflating). A span that contains an error gives no event. On an error the event
 * is NEED_MORE without data, all input is consumed, and every further call returns the
 * same error.
 *
 * After CLOSE all further input is consumed and ignored (section 1.4).
 * O(used) per call. */
tsio_status tsio_ws_reader_next(tsio_ws_reader *reader, uint8_t *in, size_t len, size_t *used, tsio_ws_event *event);

/* Returns the length of the header of a server's frame: 2, 4 or 10. */
size_t tsio_ws_header_len(uint64_t payload_len);

/* Writes the header of an unfragmented, unmasked frame (fin set, shortest length
 * form) and returns its length. `opcode` may be combined with TSIO_WS_RSV1.
 * Precondition: payload_len < 2^63. */
size_t tsio_ws_header_build(uint8_t dst[10], uint8_t opcode, uint64_t payload_len);

/* The payload and the opcode of a frame. */
typedef struct {
    const uint8_t *data; /* inside the frame; its end is the end of the frame */
    size_t len;
    uint8_t opcode;
} tsio_ws_payload;

/* Returns the payload of a whole frame with a header of tsio_ws_header_build(), which is
 * not checked. */
tsio_ws_payload tsio_ws_payload_at(const uint8_t *frame);

/* Writes a whole close frame and returns its length. `reason` (borrowed, UTF-8,
 * NULL is fine when reason_len is 0) is cut to 123 bytes at a character boundary.
 * Code 0 or 1005 gives a frame with an empty payload, without the reason. */
size_t tsio_ws_close_build(uint8_t dst[127], uint16_t code, const uint8_t *reason, size_t reason_len);

#endif
