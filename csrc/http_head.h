/* http_head.h -- finds the end of an HTTP/1.1 request head, if it is unambiguous (RFC 9112).
 *
 *     GET /socket.io/?EIO=4 HTTP/1.1 CRLF
 *     Host: example.com CRLF
 *     CRLF
 *
 * HTTP parsers read some heads in different ways: heads with a CR or LF outside of CRLF, with another control
 * character than HTAB, with a folded line, or with an ambiguous length. Then two parsers disagree about where the
 * request ends.
 */
#ifndef TSIO_HTTP_HEAD_H
#define TSIO_HTTP_HEAD_H

#include "base.h"

/* Returns the length of the head at the beginning of `data`, including its blank line. Returns 0 if the head is not
 * whole, begins with a blank line, or is ambiguous:
 *
 *     - a line begins with a blank, or contains a control character other than HTAB;
 *     - Content-Length comes twice, is not digits between blanks, or comes together with Transfer-Encoding.
 *
 * The parser checks everything else. `data` is borrowed (NULL is fine when len is 0). O(head). */
size_t tsio_http_head_len(const uint8_t *data, size_t len);

#endif
