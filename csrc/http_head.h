/* http_head.h -- finds the end of an HTTP/1.1 request head, if it is unambiguous, and whether it is plain (RFC 9112).
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
 * The parser checks everything else, unless the head is plain. Then `*is_plain` is set to true, else to false. A plain
 * head is valid by the grammar, and every parser reads it in the same way:
 *
 *     - the method is GET, POST, HEAD or OPTIONS, the target begins with a slash and has no other characters than
 *       0x21 to 0x7e, the version is HTTP/1.1, and one space stands before and after the target;
 *     - each other line is a token (RFC 9110 section 5.6.2), a colon directly after it, and a value;
 *     - Host comes once; Content-Length has at most 18 digits; there is no Transfer-Encoding, Expect or Trailer.
 *
 * `data` is borrowed (NULL is fine when len is 0). O(head). */
size_t tsio_http_head_len(const uint8_t *data, size_t len, bool *is_plain);

#endif
