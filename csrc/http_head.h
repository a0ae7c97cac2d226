/* http_head.h -- finds the end of a request's head that every reader of HTTP/1.1 reads alike (RFC 9112).
 *
 *     GET /socket.io/?EIO=4 HTTP/1.1 CRLF
 *     Host: example.com CRLF
 *     CRLF
 *
 * A CR or LF that is not part of CRLF, another control character but HTAB, a folded line, and an ambiguous length may be
 * read in two ways, and then two readers disagree about where the request ends.
 */
#ifndef TSIO_HTTP_HEAD_H
#define TSIO_HTTP_HEAD_H

#include "base.h"

/* The length of the head that `data` begins with, up to and including its blank line; 0 if it is not whole, begins with
 * a blank line, or
 *
 *     - a line begins with a blank, or holds a control character other than HTAB;
 *     - Content-Length comes twice, is not digits between blanks, or stands beside Transfer-Encoding.
 *
 * All else about the request is for the parser to check. `data` is borrowed (NULL is fine when len is 0). O(head). */
size_t tsio_http_head_len(const uint8_t *data, size_t len);

#endif
