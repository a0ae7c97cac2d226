#include "load/http.h"

#include <stdlib.h>
#include <strings.h>

static const char VERSION[] = "HTTP/1.1 ";
enum { VERSION_LEN = sizeof VERSION - 1, STATUS_LINE_MIN = VERSION_LEN + 3 };

/* --- the head ---------------------------------------------------------------- */

typedef struct {
    size_t content_length;
    bool sized, chunked, last;
} head_fields;

/* The value of a field, if `line` is one of that name (which includes the colon). */
static const char *value_of(const char *line, const char *name)
{
    const size_t len = strlen(name);
    return strncasecmp(line, name, len) == 0 ? line + len + strspn(line + len, " \t") : NULL;
}

/* `head` is a string; its lines end with CR LF. */
static head_fields read_fields(const char *head)
{
    head_fields fields = {0};
    for (const char *line = strchr(head, '\n'); line != NULL; line = strchr(line, '\n')) {
        const char *value;
        line++;
        if ((value = value_of(line, "Content-Length:")) != NULL) {
            fields.content_length = strtoull(value, NULL, 10);
            fields.sized = true;
        } else if ((value = value_of(line, "Transfer-Encoding:")) != NULL) {
            fields.chunked = strncasecmp(value, "chunked", 7) == 0;
        } else if ((value = value_of(line, "Connection:")) != NULL) {
            fields.last = strncasecmp(value, "close", 5) == 0;
        }
    }
    return fields;
}

/* --- chunks (section 7.1) --------------------------------------------------------- */

/* The size line at `at`: where its chunk begins, NULL if the line is not whole. */
static uint8_t *read_size(uint8_t *at, const uint8_t *end, size_t *size)
{
    uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));
    if (line_end == NULL)
        return NULL;
    *size = strtoull((const char *)at, NULL, 16); /* ends at the CR, if not before */
    return line_end + 1;
}

/* Walks the chunks up to the last one, and joins them if `join`. Returns the end of
 * the body, NULL if it is not whole. Trailers are not expected. */
static uint8_t *walk_chunks(uint8_t *body, uint8_t *end, bool join, size_t *joined_len)
{
    size_t size = 1;
    *joined_len = 0;
    for (uint8_t *at = body; size > 0;) {
        uint8_t *chunk = read_size(at, end, &size);
        if (chunk == NULL || size > (size_t)(end - chunk) || (size_t)(end - chunk) - size < 2)
            return NULL;
        if (join)
            memmove(body + *joined_len, chunk, size);
        *joined_len += size;
        at = chunk + size + 2;
        if (size == 0)
            return at;
    }
    return NULL;
}

/* --- the whole --------------------------------------------------------------------- */

size_t http_parse(http_response *response, uint8_t *data, size_t len)
{
    uint8_t *const end = data + len;
    uint8_t *head_end = memmem(data, len, "\r\n\r\n", 4);
    if (head_end == NULL)
        return 0;
    if (head_end - data < STATUS_LINE_MIN || memcmp(data, VERSION, VERSION_LEN) != 0)
        return HTTP_MALFORMED;
    /* A string, for as long as it is read: the response may come again, with more behind it. */
    head_end[2] = '\0';
    const head_fields fields = read_fields((const char *)data);
    head_end[2] = '\r';
    *response = (http_response){
        .status = (unsigned)strtoul((const char *)data + VERSION_LEN, NULL, 10),
        .last = fields.last,
        .body = head_end + 4,
        .body_len = fields.content_length,
    };
    if (fields.chunked) {
        uint8_t *body_end = walk_chunks(response->body, end, false, &response->body_len);
        if (body_end == NULL)
            return 0;
        walk_chunks(response->body, end, true, &response->body_len);
        return (size_t)(body_end - data);
    }
    if (!fields.sized)
        return HTTP_MALFORMED;
    if (fields.content_length > (size_t)(end - response->body))
        return 0;
    return (size_t)(response->body + response->body_len - data);
}
