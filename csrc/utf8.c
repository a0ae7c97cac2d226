#include "utf8.h"

#define REFUSED UINT32_MAX
#define EXPECT(lowest, highest, lacking) ((uint32_t)(highest) << 16 | (uint32_t)(lowest) << 8 | (uint32_t)(lacking))

/* Returns the state after a first byte above 0x7f, from the table in RFC 3629
 * section 4. C0 and C1 could only start over-long forms, and F5 and above only
 * characters beyond U+10FFFF. */
static uint32_t after_first(uint8_t byte)
{
    if (byte < 0xc2)
        return REFUSED;
    if (byte < 0xe0)
        return EXPECT(0x80, 0xbf, 1);
    if (byte < 0xf0)
        return byte == 0xe0   ? EXPECT(0xa0, 0xbf, 2)  /* below: over-long */
               : byte == 0xed ? EXPECT(0x80, 0x9f, 2)  /* above: surrogates */
                              : EXPECT(0x80, 0xbf, 2);
    if (byte < 0xf5)
        return byte == 0xf0   ? EXPECT(0x90, 0xbf, 3)  /* below: over-long */
               : byte == 0xf4 ? EXPECT(0x80, 0x8f, 3)  /* above: beyond U+10FFFF */
                              : EXPECT(0x80, 0xbf, 3);
    return REFUSED;
}

/* Returns the state after a further byte. Only the second byte of a character has
 * special bounds; from the third on, any continuation byte is valid. */
static uint32_t after_further(uint32_t state, uint8_t byte)
{
    const uint32_t lacking = state & 0xff, lowest = state >> 8 & 0xff, highest = state >> 16 & 0xff;
    if (byte < lowest || byte > highest)
        return REFUSED;
    return lacking == 1 ? 0 : EXPECT(0x80, 0xbf, lacking - 1);
}

/* Returns the position of the first byte at or after `i` that is not ASCII; `len` if there is none. */
static size_t skip_ascii(const uint8_t *data, size_t i, size_t len)
{
    while (len - i >= 8 && (tsio_load_word(data + i) & 0x8080808080808080u) == 0)
        i += 8;
    while (i < len && data[i] < 0x80)
        i++;
    return i;
}

bool tsio_utf8_feed(tsio_utf8 *utf8, const uint8_t *data, size_t len)
{
    uint32_t state = utf8->state;
    size_t i = 0;
    while (i < len && state != REFUSED) {
        if (state != 0) {
            state = after_further(state, data[i++]);
        } else {
            i = skip_ascii(data, i, len);
            if (i < len)
                state = after_first(data[i++]);
        }
    }
    utf8->state = state;
    return state != REFUSED;
}

bool tsio_utf8_complete(const tsio_utf8 *utf8)
{
    return utf8->state == 0;
}

bool tsio_utf8_valid(const uint8_t *data, size_t len)
{
    tsio_utf8 utf8 = {0};
    return tsio_utf8_feed(&utf8, data, len) && tsio_utf8_complete(&utf8);
}

/* Returns how many UTF-16 code units begin with this byte: 2 for the first byte of a character of four bytes, 1 for
 * any other first byte, 0 for a continuation byte. */
static size_t units_begun(uint8_t byte)
{
    return (size_t)((byte & 0xc0) != 0x80) + (size_t)(byte >= 0xf0);
}

size_t tsio_utf8_utf16_units(const uint8_t *data, size_t len)
{
    size_t units = 0;
    for (size_t i = 0; i < len; i++)
        units += units_begun(data[i]);
    return units;
}

size_t tsio_utf8_find_utf16(const uint8_t *data, size_t len, size_t units)
{
    size_t i = 0;
    while (i < len) {
        if (units >= 8 && len - i >= 8 && (tsio_load_word(data + i) & 0x8080808080808080u) == 0) {
            i += 8;
            units -= 8;
            continue;
        }
        const size_t begun = units_begun(data[i]);
        if (begun > units)
            return units == 0 ? i : SIZE_MAX;
        units -= begun;
        i++;
    }
    return units == 0 ? len : SIZE_MAX;
}
