/* Control frames: pings, pongs, and the closing handshake. */
#include "ws_run_help.h"

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
    test_control_payloads();
    test_close_codes();
    test_close();
    test_nothing_after_close();
    return check_done("ws_frame_control");
}
