/* Frames that ws_frame builds, and how it looks into them again. */
#include "ws_help.h"

static void check_header(uint64_t payload_len, const char *expected, size_t expected_len)
{
    CHECK_EQ(tsio_ws_header_len(payload_len), expected_len);
    uint8_t *dst = check_block(NULL, expected_len); /* not a byte more is written */
    CHECK_EQ(tsio_ws_header_build(dst, TSIO_WS_BINARY, payload_len), expected_len);
    CHECK(memcmp(dst, expected, expected_len) == 0);
    check_block_free(dst, expected_len);
}

static void test_header_build(void)
{
    check_header(0, "\x82\x00", 2);
    check_header(125, "\x82\x7d", 2);
    check_header(126, "\x82\x7e\x00\x7e", 4);
    check_header(65535, "\x82\x7e\xff\xff", 4);
    check_header(65536, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10);
    check_header(UINT64_MAX >> 1, "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 10);

    static const uint8_t opcodes[] = {TSIO_WS_TEXT, TSIO_WS_BINARY, TSIO_WS_CLOSE, TSIO_WS_PING, TSIO_WS_PONG};
    for (size_t i = 0; i < sizeof opcodes; i++) {
        uint8_t dst[10];
        CHECK_EQ(tsio_ws_header_build(dst, opcodes[i], 5), 2);
        CHECK_EQ(dst[0], 0x80 + opcodes[i]);
    }
}

/* `kept` bytes of the reason are in the frame. */
static void check_close_build(uint16_t code, const uint8_t *reason, size_t len, size_t kept)
{
    uint8_t frame[127];
    uint8_t *block = check_block(reason, len);
    CHECK_EQ(tsio_ws_close_build(frame, code, block, len), 4 + kept);
    check_block_free(block, len);
    CHECK_EQ(frame[0], 0x88);
    CHECK_EQ(frame[1], 2 + kept);
    CHECK_EQ(tsio_load_be16(frame + 2), code);
    CHECK(check_same(frame + 4, reason, kept));
}

/* Looking into a frame gives back what it was built from. */
static void test_payload_at(void)
{
    static const size_t lengths[] = {0, 1, 125, 126, 65535, 65536};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (uint8_t opcode = TSIO_WS_TEXT; opcode <= TSIO_WS_BINARY; opcode++) {
            uint8_t frame[10];
            const size_t header_len = tsio_ws_header_build(frame, opcode, lengths[i]);
            const tsio_ws_payload payload = tsio_ws_payload_at(frame);
            CHECK(payload.data == frame + header_len);
            CHECK_EQ(payload.len, lengths[i]);
            CHECK_EQ(payload.opcode, opcode);
        }
}

static void test_close_build(void)
{
    uint8_t frame[127], reason[200];
    CHECK_EQ(tsio_ws_close_build(frame, 0, BYTES("ignored")), 2);
    CHECK(memcmp(frame, "\x88\x00", 2) == 0);
    CHECK_EQ(tsio_ws_close_build(frame, 1005, NULL, 0), 2);
    CHECK(memcmp(frame, "\x88\x00", 2) == 0);
    CHECK_EQ(tsio_ws_close_build(frame, 1000, NULL, 0), 4);
    CHECK(memcmp(frame, "\x88\x02\x03\xe8", 4) == 0);
    CHECK_EQ(tsio_ws_close_build(frame, 1009, BYTES("too big")), 11);
    CHECK(memcmp(frame, "\x88\x09\x03\xf1too big", 11) == 0);

    memset(reason, 'r', sizeof reason);
    check_close_build(4999, reason, 122, 122);
    check_close_build(4999, reason, 123, 123);
    check_close_build(4999, reason, 124, 123);
    check_close_build(4999, reason, 200, 123);
}

/* Characters of every length across the place of the cut. */
static void test_close_build_cut(void)
{
    static const char *const chars[] = {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    for (size_t k = 0; k < 3; k++)
        for (size_t place = 116; place <= 124; place++) {
            const size_t char_len = strlen(chars[k]);
            uint8_t reason[140];
            memset(reason, 'r', sizeof reason);
            memcpy(reason + place, chars[k], char_len);
            const size_t kept = place < 123 && place + char_len > 123 ? place : 123;
            check_close_build(1000, reason, sizeof reason, kept);
        }
    uint8_t broken[140]; /* not UTF-8 at all: still bounded */
    memset(broken, 0x80, sizeof broken);
    check_close_build(1000, broken, sizeof broken, 0);
}

int main(void)
{
    test_header_build();
    test_payload_at();
    test_close_build();
    test_close_build_cut();
    return check_done("ws_frame_build");
}
