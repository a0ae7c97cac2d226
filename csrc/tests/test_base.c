#include "base.h"
#include "check.h"

typedef struct {
    tsio_status status;
    int value;
    uint16_t close_code;
} row;

/* The contract with the layers above, written out a second time on purpose. */
static const row rows[] = {
    {TSIO_OK, 0, 0},
    {TSIO_E_NO_MEMORY, -1, 1011},
    {TSIO_E_RESERVED_BITS, -2, 1002},
    {TSIO_E_RESERVED_OPCODE, -3, 1002},
    {TSIO_E_UNMASKED, -4, 1002},
    {TSIO_E_LENGTH_NOT_MINIMAL, -5, 1002},
    {TSIO_E_LENGTH_TOP_BIT, -6, 1002},
    {TSIO_E_CONTROL_FRAGMENTED, -7, 1002},
    {TSIO_E_CONTROL_TOO_LONG, -8, 1002},
    {TSIO_E_UNEXPECTED_CONTINUATION, -9, 1002},
    {TSIO_E_EXPECTED_CONTINUATION, -10, 1002},
    {TSIO_E_INVALID_UTF8, -11, 1007},
    {TSIO_E_MESSAGE_TOO_BIG, -12, 1009},
    {TSIO_E_TOO_MANY_FRAGMENTS, -13, 1008},
    {TSIO_E_CLOSE_CODE, -14, 1002},
    {TSIO_E_CLOSE_LENGTH, -15, 1002},
    {TSIO_E_CLOSE_REASON, -16, 1007},
    {TSIO_E_EMPTY_PACKET, -17, 0},
    {TSIO_E_BASE64, -18, 0},
    {TSIO_E_PACKET_TYPE, -20, 0},
    {TSIO_E_ATTACHMENT_COUNT, -21, 0},
    {TSIO_E_TOO_MANY_ATTACHMENTS, -22, 0},
    {TSIO_E_ACK_ID, -23, 0},
    {TSIO_E_OUTBOX_FULL, -24, 0},
    {TSIO_E_DROPPED, -25, 0},
    {TSIO_E_SYSTEM, -26, 1011},
    {TSIO_E_INFLATE, -27, 1007},
    {TSIO_E_PACKET_LENGTH, -28, 0},
    {TSIO_E_TOO_MANY_PINGS, -29, 1008},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void test_map(void)
{
#define COUNT(name, value, close_code, text) +1
    CHECK_EQ(0 TSIO_STATUS_MAP(COUNT), ROWS);
#undef COUNT
    for (size_t i = 0; i < ROWS; i++) {
        CHECK_EQ(rows[i].status, rows[i].value);
        CHECK_EQ(tsio_status_close_code(rows[i].status), rows[i].close_code);
    }
}

static void test_texts_are_distinct(void)
{
    for (size_t i = 0; i < ROWS; i++) {
        const char *text = tsio_status_text(rows[i].status);
        CHECK(strlen(text) > 0 && text[strlen(text) - 1] != '.');
        CHECK(strcmp(text, tsio_status_text((tsio_status)-30)) != 0);
        for (size_t j = 0; j < i; j++)
            CHECK(strcmp(text, tsio_status_text(rows[j].status)) != 0);
    }
    CHECK(strcmp(tsio_status_text(TSIO_E_ATTACHMENT_COUNT), "illegal attachments") == 0);
}

static void test_unknown_status(void)
{
    CHECK(strcmp(tsio_status_text((tsio_status)-30), "unknown status") == 0);
    CHECK_EQ(tsio_status_close_code((tsio_status)-30), 0);
}

static void test_loads_and_stores(void)
{
    static const uint8_t bytes[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    for (size_t shift = 0; shift < 8; shift++) { /* at every alignment */
        uint8_t *block = check_block(NULL, shift + 8);
        uint8_t *p = block + shift;
        memcpy(p, bytes, 8);
        CHECK_EQ(tsio_load_be16(p), 0x0123);
        CHECK_EQ(tsio_load_be16(p + 6), 0xcdef);
        CHECK_EQ(tsio_load_be32(p), 0x01234567);
        CHECK_EQ(tsio_load_be32(p + 4), 0x89abcdef);
        CHECK(tsio_load_be64(p) == 0x0123456789abcdefu);

        const uint64_t word = tsio_load_word(p);
        CHECK(memcmp(&word, bytes, 8) == 0);
        tsio_store_word(p, ~word);
        CHECK(tsio_load_be64(p) == ~(uint64_t)0x0123456789abcdefu);

        tsio_store_be64(p, 0xfedcba9876543210u);
        CHECK(memcmp(p, "\xfe\xdc\xba\x98\x76\x54\x32\x10", 8) == 0);
        tsio_store_be16(p + 6, 0x8001);
        CHECK(memcmp(p, "\xfe\xdc\xba\x98\x76\x54\x80\x01", 8) == 0);
        check_block_free(block, shift + 8);
    }
}

int main(void)
{
    test_map();
    test_texts_are_distinct();
    test_unknown_status();
    test_loads_and_stores();
    return check_done("base");
}
