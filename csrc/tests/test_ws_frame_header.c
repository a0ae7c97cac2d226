/* Which headers and sizes of frames a reader refuses. */
#include "ws_run_help.h"

/* Each length form at both its ends. */
static void test_lengths(void)
{
    static const size_t lengths[] = {125, 126, 127, 65535, 65536, 70000};
    static uint8_t payload[70000];
    check_rng rng = {11};
    check_random_bytes(&rng, payload, sizeof payload);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        ws_put_frame(&stream, true, TSIO_WS_BINARY, payload, lengths[i]);
        run(lengths[i], 1, TSIO_OK);
        expect('B', 0, payload, lengths[i]);
        expect_end();
        ws_put_header(&stream, 0x82, lengths[i] > 125 ? 0xff : 0xfe, lengths[i], lengths[i] > 125 ? 8 : 2);
        if (lengths[i] < 65536)
            run(UINT64_MAX, 1, TSIO_E_LENGTH_NOT_MINIMAL);
        stream.len = 0;
    }
}

static void test_first_two_bytes(void)
{
    for (uint8_t rsv = 0x10; rsv <= 0x70; rsv = (uint8_t)(rsv + 0x10))
        header_fails(0x81 | rsv, 0x81, TSIO_E_RESERVED_BITS);
    for (uint8_t opcode = 0; opcode < 16; opcode++)
        if ((opcode > 2 && opcode < 8) || opcode > 10)
            header_fails(0x80 | opcode, 0x80, TSIO_E_RESERVED_OPCODE);
    for (uint8_t opcode = TSIO_WS_CLOSE; opcode <= TSIO_WS_PONG; opcode++) {
        header_fails(opcode, 0x80, TSIO_E_CONTROL_FRAGMENTED);
        header_fails(0x80 | opcode, 0xfe, TSIO_E_CONTROL_TOO_LONG);
        header_fails(0x80 | opcode, 0xff, TSIO_E_CONTROL_TOO_LONG);
        header_fails(0x80 | opcode, 0x00, TSIO_E_UNMASKED);
    }
    header_fails(0x81, 0x05, TSIO_E_UNMASKED);
    header_fails(0x80, 0x80, TSIO_E_UNEXPECTED_CONTINUATION);
    header_fails(0x00, 0x80, TSIO_E_UNEXPECTED_CONTINUATION);
    FRAME(true, TSIO_WS_TEXT, "a");
    header_fails(0x80, 0x81, TSIO_E_UNEXPECTED_CONTINUATION); /* after a whole message, too */
    FRAME(false, TSIO_WS_TEXT, "a");
    header_fails(0x81, 0x81, TSIO_E_EXPECTED_CONTINUATION);
    FRAME(false, TSIO_WS_BINARY, "");
    header_fails(0x02, 0x80, TSIO_E_EXPECTED_CONTINUATION);
}

/* Of two errors in the same two bytes the earlier one in the documented order. */
static void test_order(void)
{
    header_fails(0x73, 0x00, TSIO_E_RESERVED_BITS);
    header_fails(0x0b, 0x7f, TSIO_E_RESERVED_OPCODE);
    header_fails(0x09, 0x7f, TSIO_E_CONTROL_FRAGMENTED);
    header_fails(0x89, 0x7f, TSIO_E_CONTROL_TOO_LONG);
    header_fails(0x80, 0x00, TSIO_E_UNMASKED);
}

static void test_top_bit(void)
{
    ws_put_header(&stream, 0x82, 0xff, (uint64_t)1 << 63, 8);
    run(UINT64_MAX, 1, TSIO_E_LENGTH_TOP_BIT);
    ws_put_header(&stream, 0x82, 0xff, UINT64_MAX, 8);
    run(UINT64_MAX, 1, TSIO_E_LENGTH_TOP_BIT);
    ws_put_header(&stream, 0x82, 0xff, UINT64_MAX >> 1, 8);
    run(UINT64_MAX, 1, TSIO_OK);
    ws_put_header(&stream, 0x82, 0xff, UINT64_MAX >> 1, 8);
    run((UINT64_MAX >> 1) - 1, 1, TSIO_E_MESSAGE_TOO_BIG);
}

static void test_message_size(void)
{
    FRAME(false, TSIO_WS_BINARY, "12345");
    FRAME(true, TSIO_WS_PING, "not counted");
    FRAME(true, TSIO_WS_CONTINUATION, "67890");
    FRAME(true, TSIO_WS_BINARY, "1234567890"); /* the next message counts anew */
    run(10, 2, TSIO_OK);
    expect('i', 0, BYTES("not counted"));
    expect('B', 0, BYTES("1234567890"));
    expect('B', 0, BYTES("1234567890"));
    expect_end();

    ws_put_header(&stream, 0x82, 0x80 | 11, 0, 0); /* no payload needed to see it */
    run(10, 2, TSIO_E_MESSAGE_TOO_BIG);
    FRAME(false, TSIO_WS_BINARY, "12345");
    ws_put_header(&stream, 0x00, 0x80 | 6, 0, 0);
    run(10, 2, TSIO_E_MESSAGE_TOO_BIG);
    FRAME(false, TSIO_WS_BINARY, "12345"); /* a sum that would not fit 63 bits */
    ws_put_header(&stream, 0x80, 0xff, UINT64_MAX >> 1, 8);
    run(UINT64_MAX >> 1, 2, TSIO_E_MESSAGE_TOO_BIG);
    FRAME(true, TSIO_WS_TEXT, "");
    ws_put_header(&stream, 0x81, 0x81, 0, 0);
    run(0, 2, TSIO_E_MESSAGE_TOO_BIG);
}

static void test_fragment_count(void)
{
    for (int message = 0; message < 2; message++) {
        FRAME(false, TSIO_WS_TEXT, "a");
        FRAME(false, TSIO_WS_CONTINUATION, "");
        FRAME(true, TSIO_WS_PING, "");
        FRAME(true, TSIO_WS_CONTINUATION, "b");
    }
    run(10, 3, TSIO_OK);

    FRAME(false, TSIO_WS_TEXT, "");
    FRAME(false, TSIO_WS_CONTINUATION, "");
    FRAME(false, TSIO_WS_CONTINUATION, "");
    ws_put_header(&stream, 0x80, 0x80, 0, 0);
    run(10, 3, TSIO_E_TOO_MANY_FRAGMENTS);
    FRAME(false, TSIO_WS_TEXT, "a");
    ws_put_header(&stream, 0x80, 0x81, 0, 0);
    run(10, 1, TSIO_E_TOO_MANY_FRAGMENTS);
    FRAME(false, TSIO_WS_TEXT, "a"); /* both at once: the size comes first */
    ws_put_header(&stream, 0x80, 0x8a, 0, 0);
    run(10, 1, TSIO_E_MESSAGE_TOO_BIG);
}

int main(void)
{
    test_lengths();
    test_first_two_bytes();
    test_order();
    test_top_bit();
    test_message_size();
    test_fragment_count();
    return check_done("ws_frame_header");
}
