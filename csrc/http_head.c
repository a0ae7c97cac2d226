#include "http_head.h"

static const char content_length[] = "content-length:";
static const char transfer_encoding[] = "transfer-encoding:";

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

/* Returns whether a line may contain this byte: HTAB, or no control character. */
static bool is_text(uint8_t byte)
{
    return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}

/* Returns whether a line begins with this field name in any case. `name` is in lower case and ends with its colon. */
static bool has_name(const uint8_t *line, size_t len, const char *name, size_t name_len)
{
    if (len < name_len)
        return false;
    for (size_t i = 0; i < name_len; i++) {
        const uint8_t byte = line[i];
        const uint8_t lower = byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
        if (lower != (uint8_t)name[i])
            return false;
    }
    return true;
}

/* Returns whether these bytes are digits, with or without blanks around them. */
static bool is_number(const uint8_t *value, size_t len)
{
    size_t i = 0;
    while (i < len && is_blank(value[i]))
        i++;
    const size_t start = i;
    while (i < len && value[i] >= '0' && value[i] <= '9')
        i++;
    const bool has_digits = i > start;
    while (i < len && is_blank(value[i]))
        i++;
    return has_digits && i == len;
}

size_t tsio_http_head_len(const uint8_t *data, size_t len)
{
    bool has_length = false, has_coding = false;
    size_t at = 0;
    for (;;) {
        const size_t start = at;
        while (at < len && is_text(data[at]))
            at++;
        if (len - at < 2 || data[at] != '\r' || data[at + 1] != '\n')
            return 0;
        const uint8_t *line = data + start;
        const size_t line_len = at - start;
        at += 2;
        if (line_len == 0)
            return start > 0 ? at : 0;
        if (is_blank(line[0]))
            return 0;
        if (has_name(line, line_len, content_length, sizeof content_length - 1)) {
            const size_t name_len = sizeof content_length - 1;
            if (has_length || !is_number(line + name_len, line_len - name_len))
                return 0;
            has_length = true;
        } else if (has_name(line, line_len, transfer_encoding, sizeof transfer_encoding - 1)) {
            has_coding = true;
        }
        if (has_length && has_coding)
            return 0;
    }
}
