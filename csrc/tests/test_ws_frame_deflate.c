/* Frames of compressed messages (RFC 7692 section 6). */
#include "ws_run_help.h"

#define COMPRESSED(fin, opcode, literal) FRAME(fin, TSIO_WS_RSV1 | (opcode), literal)

/* It is the first frame that says so, and it says nothing about the next message. */
static void test_compressed_events(void)
{
    tsio_ws_reader reader;
    tsio_ws_event event;
    size_t used = 0, at = 0;
    tsio_ws_reader_init(&reader, 100, 10);
    reader.deflate = true;
    COMPRESSED(false, TSIO_WS_TEXT, "\xff");
    FRAME(true, TSIO_WS_PING, "between");
    FRAME(true, TSIO_WS_CONTINUATION, "\xc3"); /* neither is text before it is inflated */
    COMPRESSED(true, TSIO_WS_BINARY, "\x01");
    FRAME(true, TSIO_WS_TEXT, "plain");
    static const struct {
        tsio_ws_event_kind kind;
        bool compressed;
    } rows[] = {{TSIO_WS_EV_DATA, true},
                {TSIO_WS_EV_PING, false},
                {TSIO_WS_EV_DATA, true},
                {TSIO_WS_EV_DATA, true},
                {TSIO_WS_EV_DATA, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++, at += used) {
        CHECK_EQ(tsio_ws_reader_next(&reader, stream.data + at, stream.len - at, &used, &event), TSIO_OK);
        CHECK_EQ(event.kind, rows[i].kind);
        CHECK_EQ(event.compressed, rows[i].compressed);
    }
    CHECK_EQ(at, stream.len);
    stream.len = 0;
}

/* Only RSV1, only on the first frame of a data message, only when it was agreed upon. */
static void test_compressed_bits(void)
{
    header_fails(0xc1, 0x81, TSIO_E_RESERVED_BITS);
    negotiated = true;
    FRAME(true, TSIO_WS_TEXT, "a");
    COMPRESSED(true, TSIO_WS_TEXT, "\xff");
    COMPRESSED(false, TSIO_WS_BINARY, "\xff");
    FRAME(true, TSIO_WS_CONTINUATION, "");
    run(100, 10, TSIO_OK);
    expect('T', 0, BYTES("a"));
    expect('T', 0, BYTES("\xff"));
    expect('B', 0, BYTES("\xff"));
    expect_end();
    for (uint8_t rsv = 0x10; rsv <= 0x70; rsv = (uint8_t)(rsv + 0x10))
        for (uint8_t opcode = 0; opcode < 16; opcode++)
            if (rsv != TSIO_WS_RSV1 || opcode < TSIO_WS_TEXT || opcode > TSIO_WS_BINARY)
                header_fails(0x80 | rsv | opcode, 0x80, TSIO_E_RESERVED_BITS);
    COMPRESSED(false, TSIO_WS_TEXT, "a");
    header_fails(0xc0, 0x81, TSIO_E_RESERVED_BITS);
    COMPRESSED(false, TSIO_WS_TEXT, "a");
    header_fails(0xc1, 0x81, TSIO_E_EXPECTED_CONTINUATION);
    COMPRESSED(true, TSIO_WS_TEXT, "\xff");
    FRAME(true, TSIO_WS_TEXT, "\xff"); /* what is not compressed is still judged */
    run(100, 10, TSIO_E_INVALID_UTF8);
    negotiated = false;
}

/* What is compressed may be larger than what it will be, and its limit counts frames alike. */
static void test_compressed_size(void)
{
    static const uint8_t payload[200];
    const uint8_t compressed = TSIO_WS_RSV1 | TSIO_WS_BINARY;
    negotiated = true;
    ws_put_frame(&stream, true, compressed, payload, 80 + 10 + 64);
    ws_put_frame(&stream, true, TSIO_WS_BINARY, payload, 80);
    ws_put_frame(&stream, false, compressed, payload, 100);
    ws_put_frame(&stream, true, TSIO_WS_CONTINUATION, payload, 54);
    run(80, 2, TSIO_OK);
    ws_put_header(&stream, 0x80 | compressed, 0xfe, 155, 2);
    run(80, 2, TSIO_E_MESSAGE_TOO_BIG);
    ws_put_frame(&stream, false, compressed, payload, 100);
    ws_put_header(&stream, 0x80, 0x80 | 55, 0, 0);
    run(80, 2, TSIO_E_MESSAGE_TOO_BIG);
    ws_put_frame(&stream, true, compressed, payload, 100);
    ws_put_header(&stream, 0x82, 0x80 | 81, 0, 0); /* the next message is not */
    run(80, 2, TSIO_E_MESSAGE_TOO_BIG);
    ws_put_header(&stream, 0x80 | compressed, 0xff, UINT64_MAX >> 1, 8); /* a limit that would not fit 64 bits */
    run(UINT64_MAX, 2, TSIO_OK);
    negotiated = false;
}

int main(void)
{
    test_compressed_events();
    test_compressed_bits();
    test_compressed_size();
    return check_done("ws_frame_deflate");
}
