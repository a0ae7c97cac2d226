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

/* Returns how many characters `len` bytes encode to, padding included. Precondition: len is at most
 * SIZE_MAX / 4 * 3 - 3. On 64 bits, every buffer that exists is far shorter than that. */
size_t tsio_base64_encoded_len(size_t len);

/* Writes tsio_base64_encoded_len(len) characters to `dst`, without a terminator. The
 * two buffers must not overlap. `src` may be NULL when len is 0. O(len). */
void tsio_base64_encode(uint8_t *dst, const uint8_t *src, size_t len);

/* Returns an upper bound of how many bytes `len` characters decode to. Without line breaks it is at most 2 too high. */
size_t tsio_base64_decoded_max(size_t len);

/* Decodes `len` characters to `dst`, which must have room for tsio_base64_decoded_max(len)
 * bytes and may be `src` itself. Skips every CR and LF, because MIME encoders (RFC 2045
 * section 6.8), such as Android's, break lines with them. All else is strict (RFC 4648
 * sections 3.2, 3.3 and 3.5): padding is required, other characters than the alphabet are
 * refused, and unused bits must be zero. So, apart from line breaks, every byte string has
 * exactly one accepted encoding. Returns false if the text is not such an encoding; *dst_len
 * is then 0, and the content of `dst` is unspecified. O(len). */
bool tsio_base64_decode(uint8_t *dst, size_t *dst_len, const uint8_t *src, size_t len);

#endif
