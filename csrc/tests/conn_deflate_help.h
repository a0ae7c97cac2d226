/* conn_deflate_help.h -- helpers for the tests of connections that have negotiated compression. */
#ifndef TSIO_CONN_DEFLATE_HELP_H
#define TSIO_CONN_DEFLATE_HELP_H

#include "conn_help.h"
#include "message_forms.h"

enum { MAX = 1000, THRESHOLD = 16 };

static tsio_deflate *deflate, *eager; /* the connection's; and one that compresses whatever gets smaller */
static tsio_dialect dialect = {.revision = 4}, typed = {.revision = 3};

/* What Chromium sends for "3": a fixed block of one byte, and the end of another one. */
#define THREE "\x32\x06\x00"

static inline void begin(void)
{
    deflate = tsio_deflate_new(6, 15, 8, THRESHOLD, 100000);
    eager = tsio_deflate_new(6, 15, 8, 0, 100000);
    CHECK(deflate != NULL && eager != NULL);
    dialect.deflate = typed.deflate = deflate;
}

static inline void end(tsio_conn *conn)
{
    tsio_conn_free(conn);
    tsio_deflate_free(deflate);
    tsio_deflate_free(eager);
    CHECK_EQ(alloc_live, 0);
}

static inline void open_conn(tsio_conn *conn)
{
    begin();
    tsio_conn_init(conn, MAX, 5, 100, BIG, TSIO_POLICY_DISCONNECT);
    tsio_conn_set_dialect(conn, &dialect);
    tsio_conn_set_open(conn, true);
    stream.len = 0;
}

/* A client's message, compressed, in frames of at most `piece` bytes. */
static inline void put_payload(uint8_t opcode, const uint8_t *payload, size_t len, size_t piece)
{
    size_t at = 0;
    do {
        const size_t count = len - at < piece ? len - at : piece;
        const uint8_t first = at == 0 ? (uint8_t)(TSIO_WS_RSV1 | opcode) : TSIO_WS_CONTINUATION;
        ws_put_frame(&stream, at + count == len, first, payload + at, count);
        at += count;
    } while (at < len);
}

/* A message of `len` times the same byte, compressed. */
static inline void put_run(uint8_t opcode, uint8_t byte, size_t len, size_t piece)
{
    tsio_buf run = {0}, frame = {0};
    uint8_t header[10];
    CHECK_EQ(tsio_buf_append(&run, header, tsio_ws_header_build(header, opcode, len)), TSIO_OK);
    for (size_t i = 0; i < len; i++)
        CHECK_EQ(tsio_buf_append(&run, &byte, 1), TSIO_OK);
    CHECK_EQ(tsio_deflate_frames(eager, &run, 1, &frame), TSIO_OK);
    CHECK(frame.len > 0 && frame.data[0] == (0xc0 | opcode));
    const tsio_ws_payload payload = tsio_ws_payload_at(frame.data);
    put_payload(opcode, payload.data, payload.len, piece);
    tsio_buf_free(&run);
    tsio_buf_free(&frame);
}

/* A header, and an attachment; both repeat themselves. */
static inline tsio_message *new_message(void)
{
    static const uint8_t runs[300];
    char text[201] = {0};
    tsio_message *message = tsio_message_new(0, 7);
    memset(text, 't', 200);
    CHECK_EQ(tsio_message_add_text(message, '4', (const uint8_t *)text, 200), TSIO_OK);
    CHECK_EQ(tsio_message_add_binary(message, runs, sizeof runs), TSIO_OK);
    return message;
}

#endif
