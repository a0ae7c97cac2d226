/* ws_run_help.h -- helpers for the tests of frames: read a stream of frames, and check the events one by one. */
#ifndef TSIO_WS_RUN_HELP_H
#define TSIO_WS_RUN_HELP_H

#include "ws_help.h"

static ws_stream stream;
static ws_outcome whole, bytewise;
static bool negotiated; /* whether the readers of run() accept compressed messages */
static size_t log_at;   /* how much of the last run's log was checked */

#define FRAME(fin, opcode, literal) ws_put_frame(&stream, fin, opcode, BYTES(literal))

/* Clears the outcome of an earlier run. */
static inline void start(ws_outcome *out)
{
    out->log_len = out->message_len = 0;
    out->message_opcode = 0;
    out->status = TSIO_OK;
    out->closed = false;
}

/* Reads the stream in one piece, and again byte by byte. An error must occur at
 * the last byte of the stream, and must stay, whatever follows. */
static inline void run(uint64_t max_message_bytes, uint32_t max_fragments, tsio_status status)
{
    tsio_ws_reader reader;
    tsio_ws_reader_init(&reader, max_message_bytes, max_fragments);
    reader.deflate = negotiated;
    start(&whole);
    ws_feed(&whole, &reader, stream.data, stream.len);
    CHECK_EQ(whole.status, status);

    tsio_ws_reader_init(&reader, max_message_bytes, max_fragments);
    reader.deflate = negotiated;
    start(&bytewise);
    for (size_t i = 0; i < stream.len; i++) {
        CHECK_EQ(bytewise.status, TSIO_OK);
        ws_feed(&bytewise, &reader, stream.data + i, 1);
    }
    ws_check_same(&bytewise, &whole);
    if (status != TSIO_OK) {
        const size_t log_len = bytewise.log_len;
        for (int again = 0; again < 2; again++) {
            ws_feed(&bytewise, &reader, BYTES("\x81\x81\0\0\0\0a"));
            CHECK_EQ(bytewise.status, status);
            ws_feed(&bytewise, &reader, NULL, 0);
            CHECK_EQ(bytewise.status, status);
        }
        CHECK_EQ(bytewise.log_len, log_len);
    }
    stream.len = 0;
}

/* Checks the next entry of the last run's log. */
static inline void expect(char letter, uint16_t code, const void *payload, size_t len)
{
    static ws_outcome one;
    start(&one);
    ws_log(&one, letter, code, payload, len);
    CHECK(whole.log_len - log_at >= one.log_len);
    CHECK(memcmp(whole.log + log_at, one.log, one.log_len) == 0);
    log_at += one.log_len;
}

/* Checks that there are no further entries. */
static inline void expect_end(void)
{
    CHECK_EQ(whole.log_len, log_at);
    log_at = 0;
}

/* Checks that a header with these first bytes is refused. */
static inline void header_fails(uint8_t first, uint8_t second, tsio_status status)
{
    ws_put_header(&stream, first, second, 0, 0);
    run(100, 10, status);
}

#endif
