#include "deflate.h"

#include "ws_frame.h"

#include <limits.h>

#define ZLIB_CONST /* input is const */
#include <zlib.h>

enum {
    WINDOW_BITS_MAX = 15,
    INFLATE_STEP = 4096, /* the least bytes by which the buffer grows; it doubles anyway */
    TAIL_LEN = 4,
    BLOCKS_MAX = 16384, /* this many of the most expensive blocks take 60 ms; a flushed fragment has two blocks */
    AT_BLOCK_END = 128, /* z_stream.data_type when a block ended with the input's last bit, and was not the final one */
    IN_LAST_BLOCK = 64  /* is added to data_type in the final block */
};

/* The last four bytes of every message, which are not sent: the rest of an empty stored block. */
static const uint8_t TAIL[TAIL_LEN] = {0x00, 0x00, 0xff, 0xff};

struct tsio_deflate {
    z_stream deflater, inflater;
    size_t threshold, max_bytes;
    tsio_buf scratch; /* for deflating a payload: the frame is copied from it, with its exact size */
};

static void *zlib_alloc(void *opaque, uInt items, uInt size)
{
    (void)opaque;
    return size > 0 && items <= SIZE_MAX / size ? tsio_alloc.realloc(NULL, (size_t)items * size) : NULL;
}

static void zlib_free(void *opaque, void *block)
{
    (void)opaque;
    tsio_alloc.free(block);
}

tsio_deflate *tsio_deflate_new(int level, int window_bits, int mem_level, size_t threshold, size_t max_bytes)
{
    /* zlib accepts values outside of these ranges, with other meanings. */
    if (level < 1 || level > 9 || window_bits < 9 || window_bits > WINDOW_BITS_MAX)
        return NULL;
    tsio_deflate *deflate = tsio_alloc.realloc(NULL, sizeof *deflate);
    if (deflate == NULL)
        return NULL;
    const z_stream stream = {.zalloc = zlib_alloc, .zfree = zlib_free};
    *deflate = (tsio_deflate){
        .deflater = stream,
        .inflater = stream,
        .threshold = threshold,
        .max_bytes = max_bytes < UINT_MAX / 2 ? max_bytes : UINT_MAX / 2, /* zlib's uInt holds each length */
    };
    /* A negative window means a raw stream, without header and checksum. */
    if (deflateInit2(&deflate->deflater, level, Z_DEFLATED, -window_bits, mem_level, Z_DEFAULT_STRATEGY) != Z_OK ||
        inflateInit2(&deflate->inflater, -WINDOW_BITS_MAX) != Z_OK) {
        tsio_deflate_free(deflate);
        return NULL;
    }
    return deflate;
}

void tsio_deflate_free(tsio_deflate *deflate)
{
    if (deflate == NULL)
        return;
    deflateEnd(&deflate->deflater); /* both accept a stream that was not initialised */
    inflateEnd(&deflate->inflater);
    tsio_buf_free(&deflate->scratch);
    tsio_alloc.free(deflate);
}

/* --- outbound ------------------------------------------------------------ */

/* Compresses all of the input. Returns whether the output is complete, with room left behind it. */
static bool deflate_all(z_stream *stream)
{
    return deflate(stream, Z_SYNC_FLUSH) == Z_OK && stream->avail_in == 0 && stream->avail_out > 0;
}

/* Compresses the payload into `scratch`, which stays empty if the payload does not become smaller. */
static tsio_status deflate_payload(tsio_deflate *deflate, tsio_ws_payload payload)
{
    z_stream *stream = &deflate->deflater;
    tsio_buf *scratch = &deflate->scratch;
    tsio_buf_clear(scratch);
    if (payload.len < deflate->threshold || payload.len == 0)
        return TSIO_OK;
    /* If zlib leaves room, the stream is complete, and without its tail at least one byte smaller than the payload. */
    const size_t room = payload.len + TAIL_LEN;
    const tsio_status status = tsio_buf_reserve(scratch, room);
    if (status != TSIO_OK)
        return status;
    deflateReset(stream);
    stream->next_in = payload.data;
    stream->avail_in = (uInt)payload.len;
    stream->next_out = scratch->data;
    stream->avail_out = (uInt)room;
    if (deflate_all(stream))
        scratch->len = room - stream->avail_out - TAIL_LEN;
    return TSIO_OK;
}

/* Appends one frame, compressed if it becomes smaller. Sets *gained if it is compressed. */
static tsio_status add_frame(tsio_deflate *deflate, const uint8_t *frame, tsio_ws_payload payload, tsio_buf *dst,
                             bool *gained)
{
    uint8_t header[10];
    tsio_status status = deflate_payload(deflate, payload);
    if (status != TSIO_OK)
        return status;
    const tsio_buf *body = &deflate->scratch;
    if (body->len == 0)
        return tsio_buf_append(dst, frame, (size_t)(payload.data - frame) + payload.len);
    const size_t header_len = tsio_ws_header_build(header, TSIO_WS_RSV1 | payload.opcode, body->len);
    *gained = true;
    status = tsio_buf_reserve(dst, header_len + body->len);
    if (status != TSIO_OK)
        return status;
    /* There is room for both. */
    tsio_buf_append(dst, header, header_len);
    return tsio_buf_append(dst, body->data, body->len);
}

bool tsio_deflate_takes(const tsio_deflate *deflate, size_t frames_len)
{
    return frames_len >= deflate->threshold && frames_len <= deflate->max_bytes;
}

tsio_status tsio_deflate_frames(tsio_deflate *deflate, const tsio_buf *frames, uint32_t parts, tsio_buf *dst)
{
    const size_t start = dst->len;
    const uint8_t *frame = frames->data;
    bool gained = false;
    tsio_status status = TSIO_OK;
    if (!tsio_deflate_takes(deflate, frames->len))
        return TSIO_OK;
    for (uint32_t i = 0; i < parts && status == TSIO_OK; i++) {
        const tsio_ws_payload payload = tsio_ws_payload_at(frame);
        status = add_frame(deflate, frame, payload, dst, &gained);
        frame = payload.data + payload.len;
    }
    if (status != TSIO_OK || !gained)
        dst->len = start;
    return status;
}

/* --- inbound ------------------------------------------------------------- */

/* The state of inflating one message. */
typedef struct {
    z_stream *stream;
    tsio_buf *dst;
    size_t end;      /* length of dst at which the message is one byte too long */
    unsigned blocks; /* blocks that have ended */
    bool complete;   /* no input has come yet, or it ended with a final block */
} inflation;

/* Returns whether the inflater has read a final block, but needs another call to return Z_STREAM_END. */
static bool is_behind_last_block(const z_stream *stream)
{
    const int both = AT_BLOCK_END | IN_LAST_BLOCK;
    return (stream->data_type & both) == both;
}

/* Makes room and calls the inflater once, which stops at the end of a block. */
static tsio_status inflate_step(inflation *it)
{
    z_stream *stream = it->stream;
    tsio_buf *dst = it->dst;
    if (dst->len == dst->cap) {
        const tsio_status status = tsio_buf_reserve(dst, INFLATE_STEP);
        if (status != TSIO_OK)
            return status;
    }
    size_t room = (it->end < dst->cap ? it->end : dst->cap) - dst->len;
    if (room > UINT_MAX)
        room = UINT_MAX;
    stream->next_out = dst->data + dst->len;
    stream->avail_out = (uInt)room;
    const int code = inflate(stream, Z_BLOCK);
    dst->len += room - stream->avail_out;
    if (dst->len == it->end)
        return TSIO_E_MESSAGE_TOO_BIG;
    if (code == Z_MEM_ERROR)
        return TSIO_E_NO_MEMORY;
    if ((stream->data_type & AT_BLOCK_END) != 0 && ++it->blocks > BLOCKS_MAX)
        return TSIO_E_MESSAGE_TOO_BIG;
    it->complete = code == Z_STREAM_END;
    if (it->complete)
        inflateReset(stream); /* other blocks may follow: section 7.2.1 */
    return code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR ? TSIO_OK : TSIO_E_INFLATE;
}

static tsio_status inflate_all(inflation *it, const uint8_t *in, size_t len)
{
    z_stream *stream = it->stream;
    while (len > 0) {
        const uInt piece = len < UINT_MAX ? (uInt)len : UINT_MAX;
        stream->next_in = in;
        stream->avail_in = piece;
        in += piece;
        len -= piece;
        do { /* when all input is used, zlib may still hold output for which there was no room */
            const tsio_status status = inflate_step(it);
            if (status != TSIO_OK)
                return status;
        } while (stream->avail_in > 0 || is_behind_last_block(stream) || (stream->avail_out == 0 && !it->complete));
    }
    return TSIO_OK;
}

tsio_status tsio_inflate_message(tsio_deflate *deflate, const uint8_t *in, size_t len, tsio_buf *dst,
                                 uint64_t max_bytes)
{
    const size_t start = dst->len, most = SIZE_MAX - start - 1;
    inflation it = {
        .stream = &deflate->inflater,
        .dst = dst,
        .end = start + (max_bytes < most ? (size_t)max_bytes : most) + 1,
        .complete = true,
    };
    inflateReset(it.stream);
    tsio_status status = inflate_all(&it, in, len);
    /* A message may end with a final block. Then it has no tail. */
    if (status == TSIO_OK && !it.complete) {
        status = inflate_all(&it, TAIL, TAIL_LEN);
        if (status == TSIO_OK && it.stream->data_type != AT_BLOCK_END)
            status = TSIO_E_INFLATE;
    }
    if (status != TSIO_OK)
        dst->len = start;
    return status;
}
