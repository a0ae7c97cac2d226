/* base64.h -- base64 with the standard alphabet and padding (RFC 4648 section 4).
 *
 *     bytes   |  aaaaaabb  |  bbbbcccc  |  ccdddddd  |
 *     text    |    a    |    b    |    c    |    d    |   6 bits each: A-Z a-z 0-9 + /
 *
 * One byte in the last group gives two characters and "==", two bytes give three
 * and "=".
 */
#ifndef TSIO_BASE64_H
#define TSIO_BASE64_H

#include "base.h"

/* Characters that `len` bytes encode to, padding included. Precondition: len is
 * at most SIZE_MAX / 4 * 3 - 3; any buffer that exists is far shorter than that on 64 bits. */
size_t tsio_base64_encoded_len(size_t len);

/* Writes tsio_base64_encoded_len(len) characters to `dst`, no terminator. The two
 * buffers must not overlap. `src` may be NULL when len is 0. O(len). */
void tsio_base64_encode(uint8_t *dst, const uint8_t *src, size_t len);

/* An upper bound of what `len` characters decode to; without line breaks it is at most 2 too high. */
size_t tsio_base64_decoded_max(size_t len);

/* Decodes `len` characters to `dst`, which must hold tsio_base64_decoded_max(len)
 * bytes and may be `src` itself. CR and LF are skipped wherever they stand, because
 * MIME encoders (RFC 2045 section 6.8), such as Android's, break lines with them. All
 * else is strict (RFC 4648 sections 3.2, 3.3 and 3.5): padding is required, nothing but the
 * alphabet is accepted, and unused bits must be zero, so apart from line breaks every
 * byte string has exactly one accepted encoding. False: the text is not such an
 * encoding, *dst_len is 0 and what `dst` holds is unspecified. O(len). */
bool tsio_base64_decode(uint8_t *dst, size_t *dst_len, const uint8_t *src, size_t len);

#endif
