/* frame.h -- headers of WebSocket frames (RFC 6455 section 5.2), of both sides:
 * the generator builds masked ones and reads unmasked ones, the limit servers the
 * other way round. */
#ifndef BENCH_FRAME_H
#define BENCH_FRAME_H

#include "csrc/base.h"

enum { FRAME_CONTINUATION = 0, FRAME_TEXT = 1, FRAME_BINARY = 2, FRAME_CLOSE = 8, FRAME_PING = 9, FRAME_PONG = 10 };
enum { FRAME_HEADER_MAX = 14 };

typedef struct {
    uint8_t opcode;
    bool whole;  /* fin is set and no reserved bit: all that the servers measured here send */
    bool masked; /* `key` is there */
    uint8_t key[4];
    uint64_t payload_len;
} frame_header;

/* Reads a header from the first `len` bytes of `in`. Its length, or 0 if more
 * bytes are needed. Inline: it runs once per delivery. */
static inline size_t frame_parse(const uint8_t *in, size_t len, frame_header *header)
{
    if (len < 2)
        return 0;
    const uint8_t short_len = in[1] & 0x7f;
    const size_t extended = short_len < 126 ? 0 : short_len == 126 ? 2 : 8;
    header->opcode = in[0] & 0x0f;
    header->whole = (in[0] & 0xf0) == 0x80;
    header->masked = (in[1] & 0x80) != 0;
    const size_t header_len = 2 + extended + (header->masked ? 4 : 0);
    if (len < header_len)
        return 0;
    header->payload_len = extended == 0   ? short_len
                          : extended == 2 ? tsio_load_be16(in + 2)
                                          : tsio_load_be64(in + 2);
    if (header->masked)
        memcpy(header->key, in + 2 + extended, 4);
    return header_len;
}

/* Writes the header of an unfragmented frame and returns its length, at most
 * FRAME_HEADER_MAX. `key` is the masking key of a client's frame, NULL for a
 * server's; the payload is the caller's to mask. */
size_t frame_build(uint8_t *dst, uint8_t opcode, size_t payload_len, const uint8_t *key);

#endif
