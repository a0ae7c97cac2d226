/* deflate_help.h -- helpers for the tests of compression: frames to be compressed, and the check of inflated messages. */
#ifndef TSIO_DEFLATE_HELP_H
#define TSIO_DEFLATE_HELP_H

#include "alloc_help.h"
#include "deflate.h"
#include "ws_frame.h"

enum { THRESHOLD = 16, MAX_BYTES = 100000, LARGEST = 300000 };

static tsio_deflate *shared; /* all messages go through it, as in a server */

#define TICK "\xc9\x4c\xce\x56\x28\xc9\x07\x11\x30\x16\x00" /* a compressed text without its first byte */

static inline tsio_deflate *new_deflate(void)
{
    tsio_deflate *deflate = tsio_deflate_new(6, 15, 8, THRESHOLD, MAX_BYTES);
    CHECK(deflate != NULL);
    return deflate;
}

/* Inflates behind three bytes that must stay, from a block of just the right size. */
static inline tsio_status inflate_to(tsio_buf *dst, const void *in, size_t len, uint64_t max_bytes)
{
    uint8_t *block = check_block(in, len);
    tsio_buf_clear(dst);
    CHECK_EQ(tsio_buf_append(dst, "abc", 3), TSIO_OK);
    const tsio_status status = tsio_inflate_message(shared, block, len, dst, max_bytes);
    CHECK(check_same(dst->data, "abc", 3));
    if (status == TSIO_OK)
        tsio_buf_consume_front(dst, 3);
    else
        CHECK_EQ(dst->len, 3);
    check_block_free(block, len);
    return status;
}

static inline void inflates(const uint8_t *in, size_t len, const char *text)
{
    tsio_buf dst = {0};
    CHECK_EQ(inflate_to(&dst, in, len, strlen(text)), TSIO_OK);
    CHECK_BYTES(dst.data, dst.len, text, strlen(text));
    if (*text != '\0')
        CHECK_EQ(inflate_to(&dst, in, len, strlen(text) - 1), TSIO_E_MESSAGE_TOO_BIG);
    tsio_buf_free(&dst);
}

static inline void put_frame(tsio_buf *frames, uint8_t opcode, const uint8_t *data, size_t len)
{
    uint8_t header[10];
    CHECK_EQ(tsio_buf_append(frames, header, tsio_ws_header_build(header, opcode, len)), TSIO_OK);
    CHECK_EQ(tsio_buf_append(frames, data, len), TSIO_OK);
}

/* Text that can be compressed, with `noise` of 100 bytes being random. */
static inline void make_payload(check_rng *rng, uint8_t *dst, size_t len, size_t noise)
{
    for (size_t i = 0; i < len; i++)
        dst[i] = check_below(rng, 100) < noise ? (uint8_t)check_random(rng) : (uint8_t)("tick tock "[i % 10]);
}

#endif
