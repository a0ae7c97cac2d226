/* ws_help.h -- helpers for the tests of ws_frame: write a client's frames, feed them to
 * a reader in pieces, and record its events. */
#ifndef TSIO_WS_HELP_H
#define TSIO_WS_HELP_H

#include "check.h"
#include "ws_frame.h"

enum { WS_STREAM_MAX = 1 << 18 };

/* A growing stream of bytes from a client. */
typedef struct {
    uint8_t data[WS_STREAM_MAX];
    size_t len;
} ws_stream;

static inline void ws_put(ws_stream *stream, const void *data, size_t len)
{
    CHECK(len <= WS_STREAM_MAX - stream->len);
    if (len > 0)
        memcpy(stream->data + stream->len, data, len);
    stream->len += len;
}

/* Writes the first two bytes, and `len` in `extended` bytes. The header need not be valid. */
static inline void ws_put_header(ws_stream *stream, uint8_t first, uint8_t second, uint64_t len, size_t extended)
{
    ws_put(stream, &first, 1);
    ws_put(stream, &second, 1);
    for (size_t i = extended; i-- > 0;) {
        const uint8_t byte = (uint8_t)(len >> (8 * i));
        ws_put(stream, &byte, 1);
    }
}

/* Writes a valid masked frame. */
static inline void ws_put_frame(ws_stream *stream, bool fin, uint8_t opcode, const void *payload, size_t len)
{
    static const uint8_t key[4] = {0xa1, 0x05, 0xfe, 0x3c};
    const uint8_t first = (uint8_t)((fin ? 0x80 : 0) | opcode);
    if (len < 126)
        ws_put_header(stream, first, (uint8_t)(0x80 | len), 0, 0);
    else if (len < 65536)
        ws_put_header(stream, first, 0x80 | 126, len, 2);
    else
        ws_put_header(stream, first, 0x80 | 127, len, 8);
    ws_put(stream, key, 4);
    for (size_t i = 0; i < len; i++) {
        const uint8_t byte = ((const uint8_t *)payload)[i] ^ key[i % 4];
        ws_put(stream, &byte, 1);
    }
}

/* The recorded events of a reader. The log contains only whole messages and control
 * frames, so that it does not depend on how the input was split. */
typedef struct {
    uint8_t log[WS_STREAM_MAX + 4096]; /* per event: letter, close code (2), length (4), payload */
    size_t log_len;
    uint8_t message[WS_STREAM_MAX]; /* the beginning of an unfinished message */
    size_t message_len;
    uint8_t message_opcode; /* 0: none has begun */
    tsio_status status;
    bool closed;
} ws_outcome;

static inline void ws_log(ws_outcome *out, char letter, uint16_t code, const uint8_t *payload, size_t len)
{
    const uint8_t head[7] = {(uint8_t)letter,      (uint8_t)(code >> 8), (uint8_t)code,       (uint8_t)(len >> 24),
                             (uint8_t)(len >> 16), (uint8_t)(len >> 8),  (uint8_t)len};
    CHECK(out->log_len + sizeof head + len <= sizeof out->log);
    memcpy(out->log + out->log_len, head, sizeof head);
    if (len > 0)
        memcpy(out->log + out->log_len + sizeof head, payload, len);
    out->log_len += sizeof head + len;
}

static inline void ws_note_data(ws_outcome *out, const tsio_ws_event *event)
{
    CHECK(event->opcode == TSIO_WS_TEXT || event->opcode == TSIO_WS_BINARY);
    CHECK_EQ(event->first, out->message_opcode == 0);
    CHECK(event->first || event->opcode == out->message_opcode);
    CHECK(event->len > 0 || event->final);
    memcpy(out->message + out->message_len, event->data, event->len);
    out->message_len += event->len;
    out->message_opcode = event->opcode;
    if (event->final) {
        ws_log(out, event->opcode == TSIO_WS_TEXT ? 'T' : 'B', 0, out->message, out->message_len);
        out->message_len = 0;
        out->message_opcode = 0;
    }
}

/* Feeds one piece, in a block of exactly its size, until the reader needs more input. */
static inline void ws_feed(ws_outcome *out, tsio_ws_reader *reader, const uint8_t *data, size_t len)
{
    uint8_t *block = check_block(data, len), *at = block;
    size_t left = len, used;
    tsio_ws_event event;
    do {
        out->status = tsio_ws_reader_next(reader, at, left, &used, &event);
        CHECK(used <= left);
        if (event.kind == TSIO_WS_EV_NEED_MORE) {
            CHECK_EQ(used, left);
            CHECK(event.data == NULL && event.len == 0);
        } else {
            CHECK_EQ(out->status, TSIO_OK);
            CHECK(!out->closed && used > 0);
        }
        if (event.kind == TSIO_WS_EV_DATA) {
            CHECK(event.data >= at && event.data + event.len == at + used);
            ws_note_data(out, &event);
        } else if (event.kind == TSIO_WS_EV_PING) {
            ws_log(out, 'i', 0, event.data, event.len);
        } else if (event.kind == TSIO_WS_EV_PONG) {
            ws_log(out, 'o', 0, event.data, event.len);
        } else if (event.kind == TSIO_WS_EV_CLOSE) {
            ws_log(out, 'c', event.close_code, event.data, event.len);
            out->closed = true;
        }
        at += used;
        left -= used;
    } while (event.kind != TSIO_WS_EV_NEED_MORE);
    check_block_free(block, len);
}

static inline void ws_check_same(const ws_outcome *a, const ws_outcome *b)
{
    CHECK_EQ(a->status, b->status);
    CHECK_EQ(a->closed, b->closed);
    CHECK_BYTES(a->log, a->log_len, b->log, b->log_len);
    /* If there was an error, the part of the message before it depends on the split. */
    if (a->status == TSIO_OK)
        CHECK_BYTES(a->message, a->message_len, b->message, b->message_len);
}

#endif
