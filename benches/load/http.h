/* http.h -- responses of HTTP/1.1 (RFC 9112), as far as polling meets them: with a
 * Content-Length or chunked, on a connection that stays. */
#ifndef BENCH_HTTP_H
#define BENCH_HTTP_H

#include "csrc/base.h"

typedef struct {
    unsigned status;
    bool last; /* the server will close the connection */
    uint8_t *body; /* lent */
    size_t body_len;
} http_response;

#define HTTP_MALFORMED SIZE_MAX

/* Parses the response that `data` begins with. Returns its length, 0 if it is not
 * whole, or HTTP_MALFORMED. The chunks of a whole one are joined in place. */
size_t http_parse(http_response *response, uint8_t *data, size_t len);

#endif
