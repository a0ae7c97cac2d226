/* The rules for reading frames one by one; test_ws_frame_model.c has the random streams, test_ws_frame_build.c building. */
#include "ws_help.h"

static ws_stream stream;
static ws_outcome whole, bytewise;
static bool negotiated; /* permessage-deflate, by the readers of run() */

static void start(ws_outcome *out)
{
    out->log_len = out->message_len = 0;
    out->message_opcode = 0;
    out->status = TSIO_OK;
    out->closed = false;
}

/* Reads the stream in one piece, and again byte by byte. An error must show in
 * the stream's very last byte and stay whatever comes behind it. */
static void run(uint64_t max_message_bytes, uint32_t max_fragments, tsio_status status)
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

/* The log of the last run is exactly this entry and what follows it. */
static size_t log_at;

static void expect(char letter, uint16_t code, const void *payload, size_t len)
{
    static ws_outcome one;
    start(&one);
    ws_log(&one, letter, code, payload, len);
    CHECK(whole.log_len - log_at >= one.log_len);
    CHECK(memcmp(whole.log + log_at, one.log, one.log_len) == 0);
    log_at += one.log_len;
}

static void expect_end(void)
{
    CHECK_EQ(whole.log_len, log_at);
    log_at = 0;
}

#define FRAME(fin, opcode, literal) ws_put_frame(&stream, fin, opcode, BYTES(literal))

static void test_messages(void)
{
    FRAME(true, TSIO_WS_TEXT, "hello");
    FRAME(true, TSIO_WS_BINARY, "\x00\xff");
    FRAME(true, TSIO_WS_TEXT, "");
    FRAME(true, TSIO_WS_BINARY, "");
    run(100, 1, TSIO_OK);
    expect('T', 0, BYTES("hello"));
    expect('B', 0, BYTES("\x00\xff"));
    expect('T', 0, NULL, 0);
    expect('B', 0, NULL, 0);
    expect_end();
}

static void test_fragments(void)
{
    FRAME(false, TSIO_WS_TEXT, "a\xe2");
    FRAME(true, TSIO_WS_PING, "between");
    FRAME(false, TSIO_WS_CONTINUATION, "\x82");
    FRAME(false, TSIO_WS_CONTINUATION, "");
    FRAME(true, TSIO_WS_PONG, "");
    FRAME(true, TSIO_WS_CONTINUATION, "\xac" "b");
    FRAME(false, TSIO_WS_BINARY, ""); /* nothing but empty fragments */
    FRAME(true, TSIO_WS_CONTINUATION, "");
    run(100, 4, TSIO_OK);
    expect('i', 0, BYTES("between"));
    expect('o', 0, NULL, 0);
    expect('T', 0, BYTES("a\xe2\x82\xac" "b"));
    expect('B', 0, NULL, 0);
    expect_end();
}

/* The events one by one: spans in place, first and final, what gives none. */
static void test_spans(void)
{
    FRAME(false, TSIO_WS_TEXT, "");
    FRAME(false, TSIO_WS_CONTINUATION, "abc");
    FRAME(true, TSIO_WS_CONTINUATION, "");
    uint8_t *block = check_block(stream.data, stream.len);
    tsio_ws_reader reader;
    tsio_ws_event event;
    size_t used;
    tsio_ws_reader_init(&reader, 100, 10);

    CHECK_EQ(tsio_ws_reader_next(&reader, block, 14, &used, &event), TSIO_OK); /* as far as "ab" */
    CHECK(event.kind == TSIO_WS_EV_DATA && event.opcode == TSIO_WS_TEXT && event.first && !event.final);
    CHECK(used == 14 && event.data == block + 12);
    CHECK_BYTES(event.data, event.len, "ab", 2);
    CHECK_EQ(tsio_ws_reader_next(&reader, block + 14, stream.len - 14, &used, &event), TSIO_OK);
    CHECK(event.kind == TSIO_WS_EV_DATA && event.opcode == TSIO_WS_TEXT && !event.first && !event.final);
    CHECK(used == 1 && event.len == 1 && event.data == block + 14 && *event.data == 'c');
    CHECK_EQ(tsio_ws_reader_next(&reader, block + 15, stream.len - 15, &used, &event), TSIO_OK);
    CHECK(event.kind == TSIO_WS_EV_DATA && event.opcode == TSIO_WS_TEXT && !event.first && event.final);
    CHECK(used == 6 && event.len == 0);
    CHECK_EQ(tsio_ws_reader_next(&reader, NULL, 0, &used, &event), TSIO_OK);
    CHECK(event.kind == TSIO_WS_EV_NEED_MORE && used == 0);
    check_block_free(block, stream.len);
    stream.len = 0;
}

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

static void header_fails(uint8_t first, uint8_t second, tsio_status status)
{
    ws_put_header(&stream, first, second, 0, 0);
    run(100, 10, status);
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

/* The last byte put is the one that makes the text invalid. */
static void test_utf8(void)
{
    FRAME(true, TSIO_WS_TEXT, "abc\xff" "def");
    stream.len -= 3;
    run(100, 10, TSIO_E_INVALID_UTF8);
    FRAME(false, TSIO_WS_TEXT, "\xed");
    FRAME(true, TSIO_WS_CONTINUATION, "\xa0\x80"); /* a surrogate, cut in two */
    stream.len -= 1;
    run(100, 10, TSIO_E_INVALID_UTF8);
    FRAME(true, TSIO_WS_TEXT, "ab\xe2\x82");
    run(100, 10, TSIO_E_INVALID_UTF8);
    FRAME(false, TSIO_WS_TEXT, "\xe2\x82");
    FRAME(true, TSIO_WS_CONTINUATION, "");
    run(100, 10, TSIO_E_INVALID_UTF8);

    FRAME(false, TSIO_WS_BINARY, "\xe2\x82"); /* binary may be anything ... */
    FRAME(true, TSIO_WS_CONTINUATION, "\xff");
    FRAME(true, TSIO_WS_TEXT, "ok"); /* ... and leaves nothing behind */
    run(100, 10, TSIO_OK);
}

/* --- permessage-deflate ---------------------------------------------------- */

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

static void test_control_payloads(void)
{
    uint8_t payload[125];
    check_rng rng = {12};
    check_random_bytes(&rng, payload, sizeof payload);
    for (size_t len = 0; len <= 125; len++) {
        ws_put_frame(&stream, true, TSIO_WS_PING, payload, len);
        ws_put_frame(&stream, true, TSIO_WS_PONG, payload, len);
        run(0, 1, TSIO_OK); /* the limits are those of messages */
        expect('i', 0, payload, len);
        expect('o', 0, payload, len);
        expect_end();
    }
}

static void test_close_codes(void)
{
    for (uint32_t code = 0; code < 65536; code++) {
        const bool allowed = (code >= 1000 && code < 1004) || (code >= 1007 && code < 1015) || (code >= 3000 && code < 5000);
        const uint8_t payload[4] = {(uint8_t)(code >> 8), (uint8_t)code, 'o', 'k'};
        ws_put_frame(&stream, true, TSIO_WS_CLOSE, payload, 4);
        run(100, 10, allowed ? TSIO_OK : TSIO_E_CLOSE_CODE);
        CHECK_EQ(whole.closed, allowed);
        if (allowed)
            expect('c', (uint16_t)code, "ok", 2);
        expect_end();
    }
}

static void test_close(void)
{
    FRAME(true, TSIO_WS_CLOSE, "");
    run(100, 10, TSIO_OK);
    expect('c', 1005, NULL, 0);
    expect_end();
    FRAME(true, TSIO_WS_CLOSE, "\x03");
    run(100, 10, TSIO_E_CLOSE_LENGTH);
    FRAME(true, TSIO_WS_CLOSE, "\x03\xe8");
    run(100, 10, TSIO_OK);
    expect('c', 1000, NULL, 0);
    expect_end();
    FRAME(true, TSIO_WS_CLOSE, "\x03\xe8\xff");
    run(100, 10, TSIO_E_CLOSE_REASON);
    FRAME(true, TSIO_WS_CLOSE, "\x03\xe8ok\xe2\x82");
    run(100, 10, TSIO_E_CLOSE_REASON);

    uint8_t longest[125] = "\x03\xe8";
    memset(longest + 2, 'r', 123);
    ws_put_frame(&stream, true, TSIO_WS_CLOSE, longest, 125);
    run(100, 10, TSIO_OK);
    expect('c', 1000, longest + 2, 123);
    expect_end();
}

/* Also in the middle of a message, and whatever comes behind it. */
static void test_nothing_after_close(void)
{
    FRAME(false, TSIO_WS_TEXT, "a");
    FRAME(true, TSIO_WS_CLOSE, "\x0b\xb8" "bye");
    FRAME(true, TSIO_WS_TEXT, "late");
    ws_put(&stream, BYTES("\xff\xff\xff\xff not a frame"));
    run(100, 10, TSIO_OK);
    expect('c', 3000, BYTES("bye"));
    expect_end();
}

int main(void)
{
    test_messages();
    test_fragments();
    test_spans();
    test_lengths();
    test_first_two_bytes();
    test_order();
    test_top_bit();
    test_message_size();
    test_fragment_count();
    test_utf8();
    test_compressed_events();
    test_compressed_bits();
    test_compressed_size();
    test_control_payloads();
    test_close_codes();
    test_close();
    test_nothing_after_close();
    return check_done("ws_frame");
}
