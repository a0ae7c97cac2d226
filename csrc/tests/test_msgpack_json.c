/* MessagePack becomes JSON, or is refused, and never takes more room than is promised. */
#include "check.h"
#include "msgpack_json.h"

static size_t write_half(uint8_t *dst, double value)
{
    return value == 0.5 ? (size_t)snprintf((char *)dst, 4, "0.5") : 0;
}

/* Writes at the end of an allocated block of the promised size, so that AddressSanitizer reports any byte beyond. */
static size_t converted(const uint8_t *bytes, size_t len, uint8_t *json, size_t room)
{
    uint8_t *block = check_block(bytes, len);
    uint8_t *dst = check_block(NULL, TSIO_JSON_GROWTH * len);
    tsio_msgpack in = {block, block + len};
    const size_t size = tsio_msgpack_to_json(&in, dst, write_half);
    if (size > 0 && size <= room)
        memcpy(json, dst, size);
    check_block_free(dst, TSIO_JSON_GROWTH * len);
    check_block_free(block, len);
    return size;
}

#define JSON(input, expected)                                                                    \
    do {                                                                                         \
        uint8_t json[256];                                                                       \
        const size_t size = converted((const uint8_t *)input, sizeof(input) - 1, json, sizeof json); \
        CHECK_BYTES(json, size, expected, sizeof(expected) - 1);                                 \
    } while (0)

#define REFUSED(input) CHECK_EQ(converted((const uint8_t *)input, sizeof(input) - 1, NULL, 0), 0)

static void test_values(void)
{
    JSON("\x92\xa2hi\x81\xa1k\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00", "[\"hi\",{\"k\":0.5}]");
    JSON("\x93\xc0\xc2\xc3", "[null,false,true]");
    JSON("\x90", "[]");
    JSON("\x82\xa1" "a\x80\xa1" "b\x92\x90\x91\x01", "{\"a\":{},\"b\":[[],[1]]}");
    JSON("\xd3\x80\x00\x00\x00\x00\x00\x00\x00", "-9223372036854775808");
    JSON("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615");
    JSON("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", "null");
    JSON("\xcb\xff\xf0\x00\x00\x00\x00\x00\x00", "null");
    JSON("\xff", "-1");
}

static void test_texts(void)
{
    JSON("\xaa\"\\\b\f\n\r\t\x1e\x00\x7f", "\"\\\"\\\\\\b\\f\\n\\r\\t\\u001e\\u0000\x7f\"");
    JSON("\xb1" "12345678\"\xc3\xa9" "123456", "\"12345678\\\"\xc3\xa9" "123456\"");
    REFUSED("\xa1\xff");
    REFUSED("\xa3\xed\xa0\x80"); /* a surrogate */
    for (int at = 0; at < 8; at++) /* in each place of a word */
        for (int byte = 1; byte < 128; byte++) {
            uint8_t input[9] = "\xa8" "aaaaaaaa", json[64];
            input[1 + at] = (uint8_t)byte;
            const size_t size = converted(input, sizeof input, json, sizeof json);
            const bool is_plain = byte >= 0x20 && byte != '"' && byte != '\\';
            CHECK_EQ(size == 10, is_plain);
            CHECK_EQ(json[1 + at] == '\\', !is_plain);
        }
}

static void test_refused(void)
{
    REFUSED("");
    REFUSED("\xc4\x01x");        /* binary */
    REFUSED("\x81\x01\x02");     /* a key that is no text */
    REFUSED("\xd4\x00\x00");     /* an extension */
    REFUSED("\x92\x01");         /* incomplete */
    REFUSED("\x81\xa1k");        /* incomplete */
    REFUSED("\xcb\x3f\xd0\x00\x00\x00\x00\x00\x00"); /* the writer cannot write it */
}

static void test_depth(void)
{
    uint8_t input[TSIO_JSON_DEPTH_MAX + 2], json[2 * TSIO_JSON_DEPTH_MAX + 1];
    memset(input, 0x91, sizeof input);
    input[TSIO_JSON_DEPTH_MAX] = 1;
    CHECK_EQ(converted(input, TSIO_JSON_DEPTH_MAX + 1, json, sizeof json), 2 * TSIO_JSON_DEPTH_MAX + 1);
    input[TSIO_JSON_DEPTH_MAX] = 0x91;
    input[TSIO_JSON_DEPTH_MAX + 1] = 1;
    CHECK_EQ(converted(input, TSIO_JSON_DEPTH_MAX + 2, json, sizeof json), 0);
}

static void test_random(void)
{
    static const uint8_t heads[] = {0x00, 0x81, 0x91, 0x92, 0xa1, 0xa9, 0xc0, 0xc2, 0xca, 0xcb, 0xcf, 0xd3, 0xd9};
    check_rng rng = {5};
    for (int round = 0; round < 200000; round++) {
        uint8_t input[24];
        const size_t len = check_below(&rng, sizeof input + 1);
        check_random_bytes(&rng, input, len);
        for (size_t i = 0; i < len; i++)
            if (check_below(&rng, 2) == 0)
                input[i] = heads[check_below(&rng, sizeof heads)];
        converted(input, len, NULL, 0);
    }
}

int main(void)
{
    test_values();
    test_texts();
    test_refused();
    test_depth();
    test_random();
    return check_done("msgpack_json");
}
