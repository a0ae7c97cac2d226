/* How a reader puts frames together to messages. test_ws_frame_model.c reads random streams. */
#include "ws_run_help.h"

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

int main(void)
{
    test_messages();
    test_fragments();
    test_spans();
    test_utf8();
    return check_done("ws_frame");
}
