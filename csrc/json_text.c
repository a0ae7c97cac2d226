#include "json_text.h"

enum {
    ESCAPE_LEN = 6, /* \uXXXX */
    NO_ESCAPE = 0x10000,
    HIGH_FIRST = 0xd800,
    LOW_FIRST = 0xdc00,
    LOW_LAST = 0xdfff
};

static int hex_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    const uint8_t lower = digit | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Returns the code unit of the escape \uXXXX at the beginning of `text`; NO_ESCAPE: there is none. */
static uint32_t code_unit(const uint8_t *text, size_t len)
{
    if (len < ESCAPE_LEN || text[0] != '\\' || text[1] != 'u')
        return NO_ESCAPE;
    uint32_t unit = 0;
    for (size_t i = 2; i < ESCAPE_LEN; i++) {
        const int value = hex_value(text[i]);
        if (value < 0)
            return NO_ESCAPE;
        unit = unit << 4 | (uint32_t)value;
    }
    return unit;
}

static bool is_low(uint32_t unit)
{
    return unit >= LOW_FIRST && unit <= LOW_LAST;
}

bool tsio_json_replace_lone_surrogates(uint8_t *text, size_t len)
{
    bool found = false;
    size_t at = 0;
    while (at < len) {
        const uint8_t *backslash = memchr(text + at, '\\', len - at);
        if (backslash == NULL)
            break;
        at = (size_t)(backslash - text);
        const uint32_t unit = code_unit(text + at, len - at);
        if (unit == NO_ESCAPE) {
            at += 2; /* skips the escaped character too: it may be a backslash, which begins no escape */
            continue;
        }
        const bool is_high = unit >= HIGH_FIRST && unit < LOW_FIRST;
        if (is_high && is_low(code_unit(text + at + ESCAPE_LEN, len - at - ESCAPE_LEN))) {
            at += 2 * (size_t)ESCAPE_LEN;
            continue;
        }
        if (is_high || is_low(unit)) {
            memcpy(text + at + 2, "fffd", 4);
            found = true;
        }
        at += ESCAPE_LEN;
    }
    return found;
}
