#include "base64.h"
#include "check.h"

/* Decodes into a block of exactly the promised size; the length, or -1. */
static int64_t decode(const uint8_t *text, size_t len, uint8_t *out)
{
    uint8_t *src = check_block(text, len);
    uint8_t *dst = check_block(NULL, tsio_base64_decoded_max(len));
    size_t dst_len = 12345;
    const bool good = tsio_base64_decode(dst, &dst_len, src, len);
    CHECK(dst_len <= tsio_base64_decoded_max(len));
    CHECK(good || dst_len == 0);
    if (dst_len > 0)
        memcpy(out, dst, dst_len);
    check_block_free(dst, tsio_base64_decoded_max(len));
    check_block_free(src, len);
    return good ? (int64_t)dst_len : -1;
}

static bool refused(const char *text)
{
    uint8_t out[64];
    return decode((const uint8_t *)text, strlen(text), out) == -1;
}

static void test_known(void)
{
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        {"", ""},           {"f", "Zg=="},         {"fo", "Zm8="},           {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"\x01\x02\x03", "AQID"}, {"\xff\xfe\xfd\xfb\xf0", "//79+/A="},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t len = strlen(cases[i].bytes), text_len = strlen(cases[i].text);
        uint8_t text[16], bytes[16];
        CHECK_EQ(tsio_base64_encoded_len(len), text_len);
        tsio_base64_encode(text, (const uint8_t *)cases[i].bytes, len);
        CHECK_BYTES(text, tsio_base64_encoded_len(len), cases[i].text, text_len);
        CHECK_EQ(decode(text, text_len, bytes), len);
        CHECK(check_same(bytes, cases[i].bytes, len));
    }
}

static void test_nothing(void)
{
    size_t dst_len = 1;
    tsio_base64_encode(NULL, NULL, 0);
    CHECK(tsio_base64_decode(NULL, &dst_len, NULL, 0));
    CHECK_EQ(dst_len, 0);
}

static void test_lengths(void)
{
    for (size_t len = 0; len < 1000; len++) {
        const size_t encoded = tsio_base64_encoded_len(len);
        CHECK_EQ(encoded, (len + 2) / 3 * 4);
        CHECK(tsio_base64_decoded_max(encoded) >= len && tsio_base64_decoded_max(encoded) <= len + 2);
    }
    const size_t longest = SIZE_MAX / 4 * 3 - 3;
    CHECK(tsio_base64_encoded_len(longest) > longest); /* did not wrap around */
    CHECK_EQ(tsio_base64_decoded_max(7), 3);
}

static void test_round_trip(void)
{
    check_rng rng = {4};
    for (size_t len = 0; len < 300; len++)
        for (int round = 0; round < 20; round++) {
            uint8_t bytes[300], back[303];
            check_random_bytes(&rng, bytes, len);
            const size_t text_len = tsio_base64_encoded_len(len);
            uint8_t *src = check_block(bytes, len), *text = check_block(NULL, text_len);
            tsio_base64_encode(text, src, len);
            CHECK_EQ(decode(text, text_len, back), len);
            CHECK(check_same(back, bytes, len));

            size_t in_place_len;
            CHECK(tsio_base64_decode(text, &in_place_len, text, text_len));
            CHECK_BYTES(text, in_place_len, bytes, len);
            check_block_free(src, len);
            check_block_free(text, text_len);
        }
}

/* All the one-group texts over a small set of characters, against the definition:
 * a text is good if and only if it is what some bytes encode to. */
static void test_every_group(void)
{
    static const char set[] = "AQgwBI/+=9-_ z";
    enum { N = sizeof set - 1 };
    for (size_t number = 0; number < N * N * N * N; number++) {
        const uint8_t text[4] = {(uint8_t)set[number % N], (uint8_t)set[number / N % N], (uint8_t)set[number / N / N % N],
                                 (uint8_t)set[number / N / N / N]};
        uint8_t bytes[3], again[4];
        const int64_t len = decode(text, 4, bytes);
        bool expected = true;
        const size_t padding = text[3] != '=' ? 0 : text[2] != '=' ? 1 : 2;
        uint32_t bits = 0;
        for (size_t i = 0; i < 4 - padding; i++) {
            static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            const char *digit = memchr(digits, text[i], 64);
            expected = expected && digit != NULL;
            bits = bits << 6 | (uint32_t)(digit != NULL ? digit - digits : 0);
        }
        expected = expected && (bits & ((1u << (2 * padding)) - 1)) == 0;
        CHECK_EQ(len, expected ? 3 - (int64_t)padding : -1);
        if (expected) {
            tsio_base64_encode(again, bytes, (size_t)len);
            CHECK(memcmp(again, text, 4) == 0);
        }
    }
}

/* Each byte value at each place of a text of three groups. */
static void test_every_byte_everywhere(void)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t place = 0; place < 12; place++)
        for (unsigned byte = 0; byte < 256; byte++) {
            uint8_t text[12], out[9];
            memcpy(text, "AAAAAAAAAAAA", 12);
            text[place] = (uint8_t)byte;
            const bool digit = byte != 0 && strchr(digits, (int)byte) != NULL;
            const bool padding = byte == '=' && place == 11; /* a line break leaves eleven characters, which are none */
            CHECK_EQ(decode(text, 12, out), digit ? 9 : padding ? 8 : -1);
        }
}

static void test_refused(void)
{
    CHECK(refused("A"));
    CHECK(refused("AA"));
    CHECK(refused("AAA"));
    CHECK(refused("AAAAA"));
    CHECK(refused("===="));
    CHECK(refused("A==="));
    CHECK(refused("AA=A"));
    CHECK(refused("AQ==AQID")); /* padding inside */
    CHECK(refused("AQI=AQID"));
    CHECK(refused(" AQI"));
    CHECK(refused("AR==")); /* unused bits set */
    CHECK(refused("AQJ="));
    CHECK(refused("AQIDAR=="));
    CHECK(refused("-_-_")); /* the alphabet of section 5 */
    CHECK(refused("AQID===="));
}

/* Skips line breaks one by one, then takes the text if the strict definition does: what its bytes encode to. */
static int64_t model(const uint8_t *text, size_t len, uint8_t *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t plain[64], again[64];
    size_t plain_len = 0, written = 0, padding = 0;
    for (size_t i = 0; i < len; i++)
        if (text[i] != '\r' && text[i] != '\n')
            plain[plain_len++] = text[i];
    if (plain_len % 4 != 0)
        return -1;
    while (padding < 2 && padding < plain_len && plain[plain_len - 1 - padding] == '=')
        padding++;
    uint32_t bits = 0;
    for (size_t i = 0; i < plain_len; i++) {
        const char *digit = plain[i] != 0 ? strchr(digits, plain[i]) : NULL;
        bits = bits << 6 | (uint32_t)(digit != NULL ? digit - digits : 0);
        for (size_t j = 0; i % 4 == 3 && j < 3; j++)
            out[written++] = (uint8_t)(bits >> (16 - 8 * j));
    }
    written -= padding;
    tsio_base64_encode(again, out, written);
    return memcmp(again, plain, plain_len) == 0 ? (int64_t)written : -1;
}

/* P17: line breaks are skipped, and nothing else is. */
static void test_line_breaks(void)
{
    static const char set[] = "AQIDgw==\r\n\n\n -";
    check_rng rng = {9};
    int good = 0;
    for (int round = 0; round < 400000; round++) {
        uint8_t text[24], out[64], expected[64];
        const size_t len = check_below(&rng, sizeof text + 1);
        for (size_t i = 0; i < len; i++)
            text[i] = (uint8_t)set[check_below(&rng, i + 6 < len ? 6 : sizeof set - 1)];
        if (len > 0)
            text[check_below(&rng, len)] = '\n';
        const int64_t verdict = model(text, len, expected);
        CHECK_EQ(decode(text, len, out), verdict);
        CHECK(verdict <= 0 || check_same(out, expected, (size_t)verdict));
        good += verdict > 0;
    }
    CHECK(good > 1000);
}

int main(void)
{
    test_known();
    test_nothing();
    test_lengths();
    test_round_trip();
    test_every_group();
    test_every_byte_everywhere();
    test_refused();
    test_line_breaks();
    return check_done("base64");
}
