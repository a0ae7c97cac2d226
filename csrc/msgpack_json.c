#include "msgpack_json.h"

#include <math.h>

#include "utf8.h"

enum { WORD = 8 };

/* An array or map that is being written. `left` counts the items; those of a map are keys and values in turn. */
typedef struct {
    uint64_t left;
    bool is_map;
} level;

static bool is_key(const level *inner)
{
    return inner->is_map && inner->left % 2 == 0;
}

static uint8_t *write_literal(uint8_t *dst, const char *text, size_t len)
{
    memcpy(dst, text, len);
    return dst + len;
}

static uint8_t *write_uint(uint8_t *dst, uint64_t value)
{
    uint8_t digits[20];
    size_t first = sizeof digits;
    do {
        digits[--first] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    memcpy(dst, digits + first, sizeof digits - first);
    return dst + (sizeof digits - first);
}

/* Returns whether one of eight bytes is a control character, a quotation mark or a backslash. */
static bool needs_escape(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x80 * ones;
    const uint64_t quote = word ^ '"' * ones, backslash = word ^ '\\' * ones;
    const uint64_t control = (word - 0x20 * ones) & ~word;
    return ((control | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash)) & tops) != 0;
}

static uint8_t *write_escape(uint8_t *dst, uint8_t byte)
{
    static const char hex[] = "0123456789abcdef";
    static const char known[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* each character, and the letter of its escape */
    *dst++ = '\\';
    for (size_t i = 0; i < sizeof known - 1; i += 2) {
        if (byte == (uint8_t)known[i]) {
            *dst++ = (uint8_t)known[i + 1];
            return dst;
        }
    }
    dst = write_literal(dst, "u00", 3);
    *dst++ = (uint8_t)hex[byte >> 4];
    *dst++ = (uint8_t)hex[byte & 15];
    return dst;
}

/* Writes valid UTF-8. */
static uint8_t *write_text(uint8_t *dst, const uint8_t *text, size_t len)
{
    size_t i = 0;
    *dst++ = '"';
    while (i < len) {
        if (len - i >= WORD && !needs_escape(tsio_load_word(text + i))) {
            memcpy(dst, text + i, WORD);
            dst += WORD;
            i += WORD;
            continue;
        }
        const uint8_t byte = text[i++];
        if (byte < 0x20 || byte == '"' || byte == '\\')
            dst = write_escape(dst, byte);
        else
            *dst++ = byte;
    }
    *dst++ = '"';
    return dst;
}

/* Writes a number, a text or a constant; for an array or map only its bracket. NULL: it cannot be written. */
static uint8_t *write_item(uint8_t *dst, const tsio_msgpack_item *item, tsio_float_writer *write_float)
{
    size_t len;
    switch (item->kind) {
    case TSIO_MSGPACK_TEXT:
        if (!tsio_utf8_valid(item->data, (size_t)item->number))
            return NULL;
        return write_text(dst, item->data, (size_t)item->number);
    case TSIO_MSGPACK_INT:
        *dst++ = '-';
        return write_uint(dst, ~item->number + 1);
    case TSIO_MSGPACK_UINT:
        return write_uint(dst, item->number);
    case TSIO_MSGPACK_FLOAT:
        if (!isfinite(item->real))
            return write_literal(dst, "null", 4);
        len = write_float(dst, item->real);
        return len > 0 ? dst + len : NULL;
    case TSIO_MSGPACK_NIL:
        return write_literal(dst, "null", 4);
    case TSIO_MSGPACK_FALSE:
        return write_literal(dst, "false", 5);
    case TSIO_MSGPACK_TRUE:
        return write_literal(dst, "true", 4);
    case TSIO_MSGPACK_ARRAY:
        *dst++ = '[';
        return dst;
    case TSIO_MSGPACK_MAP:
        *dst++ = '{';
        return dst;
    case TSIO_MSGPACK_BINARY:
        return NULL;
    }
    return NULL;
}

size_t tsio_msgpack_to_json(tsio_msgpack *in, uint8_t *dst, tsio_float_writer *write_float)
{
    level levels[TSIO_JSON_DEPTH_MAX];
    size_t depth = 0;
    uint8_t *at = dst;
    bool is_first = true; /* in its array or map */
    do {
        tsio_msgpack_item item;
        level *inner = depth > 0 ? &levels[depth - 1] : NULL;
        if (!tsio_msgpack_next(in, &item))
            return 0;
        if (inner != NULL) {
            if (is_key(inner) && item.kind != TSIO_MSGPACK_TEXT)
                return 0;
            if (!is_first)
                *at++ = inner->is_map && !is_key(inner) ? ':' : ',';
            inner->left--;
        }
        at = write_item(at, &item, write_float);
        if (at == NULL)
            return 0;
        is_first = false;
        if (item.kind == TSIO_MSGPACK_ARRAY || item.kind == TSIO_MSGPACK_MAP) {
            if (depth == TSIO_JSON_DEPTH_MAX)
                return 0;
            const bool is_map = item.kind == TSIO_MSGPACK_MAP;
            levels[depth++] = (level){is_map ? 2 * item.number : item.number, is_map};
            is_first = true;
        }
        while (depth > 0 && levels[depth - 1].left == 0) {
            *at++ = levels[--depth].is_map ? '}' : ']';
            is_first = false;
        }
    } while (depth > 0);
    return (size_t)(at - dst);
}
