#include "base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The inverse of `alphabet`, each value plus one, so that zero means "not in the alphabet". */
static const uint8_t value_plus_one[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

size_t tsio_base64_encoded_len(size_t len)
{
    return (len / 3 + (len % 3 != 0)) * 4;
}

size_t tsio_base64_decoded_max(size_t len)
{
    return len / 4 * 3;
}

static void encode_group(uint8_t dst[4], uint32_t bits)
{
    for (unsigned i = 0; i < 4; i++)
        dst[i] = (uint8_t)alphabet[bits >> (18 - 6 * i) & 0x3f];
}

void tsio_base64_encode(uint8_t *dst, const uint8_t *src, size_t len)
{
    size_t i = 0;
    for (; len - i >= 3; i += 3, dst += 4)
        encode_group(dst, (uint32_t)src[i] << 16 | (uint32_t)src[i + 1] << 8 | src[i + 2]);
    if (len - i == 2) {
        encode_group(dst, (uint32_t)src[i] << 16 | (uint32_t)src[i + 1] << 8);
        dst[3] = '=';
    } else if (len - i == 1) {
        encode_group(dst, (uint32_t)src[i] << 16);
        dst[2] = dst[3] = '=';
    }
}

/* Decodes the `count` characters of a group (without '=') to the high bits of 24 bits.
 * Returns false if one of them is not in the alphabet. */
static bool decode_group(uint32_t *bits, const uint8_t *src, unsigned count)
{
    bool good = true;
    *bits = 0;
    for (unsigned i = 0; i < count; i++) {
        const uint32_t value = value_plus_one[src[i]];
        good = good && value != 0;
        *bits |= ((value - 1) & 0x3f) << (18 - 6 * i);
    }
    return good;
}

static void store_group(uint8_t *dst, uint32_t bits, unsigned byte_count)
{
    for (unsigned i = 0; i < byte_count; i++)
        dst[i] = (uint8_t)(bits >> (16 - 8 * i));
}

static bool is_line_break(uint8_t byte)
{
    return byte == '\r' || byte == '\n';
}

/* Takes up to four characters and skips line breaks; returns how many characters there were. */
static unsigned take_group(uint8_t group[4], const uint8_t **src, const uint8_t *end)
{
    unsigned count = 0;
    for (; *src < end && count < 4; ++*src)
        if (!is_line_break(**src))
            group[count++] = **src;
    return count;
}

/* Decodes whole groups, up to the first group with a character that is not in the alphabet,
 * such as a line break or padding. Returns how many bytes were written. */
static size_t decode_run(uint8_t *dst, const uint8_t **src, const uint8_t *end)
{
    size_t written = 0;
    uint32_t bits;
    for (; end - *src >= 4 && decode_group(&bits, *src, 4); *src += 4, written += 3)
        store_group(dst + written, bits, 3);
    return written;
}

bool tsio_base64_decode(uint8_t *dst, size_t *dst_len, const uint8_t *src, size_t len)
{
    *dst_len = 0;
    if (len == 0)
        return true;

    const uint8_t *end = src + len;
    size_t written = 0;
    uint8_t group[4];
    uint32_t bits;
    for (unsigned byte_count = 3;;) {
        if (byte_count == 3)
            written += decode_run(dst + written, &src, end);
        const unsigned count = take_group(group, &src, end);
        if (count == 0)
            break;
        if (count < 4 || byte_count < 3) /* a padded group is the last one */
            return false;
        byte_count = group[3] != '=' ? 3 : group[2] != '=' ? 2 : 1;
        /* No encoder leaves bits set below the last whole byte. */
        if (!decode_group(&bits, group, byte_count + 1) || (bits & (0xffffffu >> (8 * byte_count))) != 0)
            return false;
        store_group(dst + written, bits, byte_count);
        written += byte_count;
    }
    *dst_len = written;
    return true;
}
