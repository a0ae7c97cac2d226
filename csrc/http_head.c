#include "http_head.h"

#include <string.h>

/* The most digits of a Content-Length in a plain head. Such a number fits into 64 bits. */
enum { MAX_DIGITS = 18 };

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

/* Returns whether a line may contain this byte: HTAB, or no control character. */
static bool is_text(uint8_t byte)
{
    return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}

/* Returns whether this is a character of a token (RFC 9110 section 5.6.2). */
static bool is_token_char(uint8_t byte)
{
    if ((byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z'))
        return true;
    return byte != 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL;
}

/* Returns whether a field name is this one in any case. `known` is in lower case. */
static bool is_name(const uint8_t *name, size_t len, const char *known)
{
    if (len != strlen(known))
        return false;
    for (size_t i = 0; i < len; i++) {
        const uint8_t lower = name[i] >= 'A' && name[i] <= 'Z' ? (uint8_t)(name[i] + ('a' - 'A')) : name[i];
        if (lower != (uint8_t)known[i])
            return false;
    }
    return true;
}

/* Returns how many digits there are, with or without blanks around them; 0: there is something else, or nothing. */
static size_t count_digits(const uint8_t *value, size_t len)
{
    size_t i = 0;
    while (i < len && is_blank(value[i]))
        i++;
    const size_t start = i;
    while (i < len && value[i] >= '0' && value[i] <= '9')
        i++;
    const size_t digits = i - start;
    while (i < len && is_blank(value[i]))
        i++;
    return i == len ? digits : 0;
}

static bool is_plain_request_line(const uint8_t *line, size_t len)
{
    static const char *const starts[] = {"GET /", "POST /", "HEAD /", "OPTIONS /"};
    static const char end[] = " HTTP/1.1";
    const size_t end_len = sizeof end - 1;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        size_t at = strlen(starts[i]);
        if (len < at + end_len || memcmp(line, starts[i], at) != 0)
            continue;
        while (at < len - end_len && line[at] > 0x20 && line[at] < 0x7f)
            at++;
        return at == len - end_len && memcmp(line + at, end, end_len) == 0;
    }
    return false;
}

/* What the fields of a head have shown so far. */
typedef struct {
    bool has_length, has_coding, has_host, is_plain;
} head_state;

/* Takes one field line. Returns whether the length of the body is still unambiguous. */
static bool take_field(head_state *head, const uint8_t *line, size_t len)
{
    size_t name_len = 0;
    while (name_len < len && is_token_char(line[name_len]))
        name_len++;
    if (name_len == 0 || name_len == len || line[name_len] != ':') {
        head->is_plain = false;
        return true;
    }
    if (is_name(line, name_len, "content-length")) {
        const size_t digits = count_digits(line + name_len + 1, len - name_len - 1);
        if (head->has_length || digits == 0)
            return false;
        head->has_length = true;
        if (digits > MAX_DIGITS)
            head->is_plain = false;
    } else if (is_name(line, name_len, "transfer-encoding")) {
        head->has_coding = true;
        head->is_plain = false;
    } else if (is_name(line, name_len, "host")) {
        if (head->has_host)
            head->is_plain = false;
        head->has_host = true;
    } else if (is_name(line, name_len, "expect") || is_name(line, name_len, "trailer")) {
        head->is_plain = false;
    }
    return !(head->has_length && head->has_coding);
}

size_t tsio_http_head_len(const uint8_t *data, size_t len, bool *is_plain)
{
    head_state head = {.is_plain = true};
    size_t at = 0;
    *is_plain = false;
    for (;;) {
        const size_t start = at;
        while (at < len && is_text(data[at]))
            at++;
        if (len - at < 2 || data[at] != '\r' || data[at + 1] != '\n')
            return 0;
        const uint8_t *line = data + start;
        const size_t line_len = at - start;
        at += 2;
        if (line_len == 0) {
            if (start == 0)
                return 0;
            *is_plain = head.is_plain && head.has_host;
            return at;
        }
        if (is_blank(line[0]))
            return 0;
        if (start == 0)
            head.is_plain = is_plain_request_line(line, line_len);
        else if (!take_field(&head, line, line_len))
            return 0;
    }
}
