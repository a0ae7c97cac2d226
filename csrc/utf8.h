/* utf8.h -- incremental UTF-8 validation (RFC 3629 sections 3 and 4).
 *
 * A text may arrive in any pieces; the state between two pieces is one word:
 *
 *      31        24 23        16 15         8 7          0
 *     +------------+------------+------------+------------+
 *     | refused    | highest    | lowest     | bytes the  |
 *     | (all ones) | next byte  | next byte  | char lacks |
 *     +------------+------------+------------+------------+
 *
 * Zero is "between characters". The bounds of the next byte carry everything
 * that distinguishes over-long forms, surrogates and values above U+10FFFF, all
 * of which show in the second byte of a character at the latest.
 */
#ifndef TSIO_UTF8_H
#define TSIO_UTF8_H

#include "base.h"

typedef struct {
    uint32_t state;
} tsio_utf8;

/* Continue with `len` more bytes (borrowed; NULL is fine when len is 0). False
 * as soon as no continuation can make the text valid, and on every call from
 * then on. O(len); no byte is looked at twice. */
bool tsio_utf8_feed(tsio_utf8 *utf8, const uint8_t *data, size_t len);

/* Whether the text may end here: valid so far, and not inside a character. */
bool tsio_utf8_complete(const tsio_utf8 *utf8);

/* Whether the whole of `data` is valid. */
bool tsio_utf8_valid(const uint8_t *data, size_t len);

/* How many code units the text has in UTF-16 (RFC 2781 section 2.1): what JavaScript
 * calls its length. Of bytes that are not valid UTF-8, each that begins no character
 * counts nothing. O(len). */
size_t tsio_utf8_utf16_units(const uint8_t *data, size_t len);

/* So many bytes of `data` have these code units, continuation bytes behind the last
 * character included; SIZE_MAX: there are fewer units, or a character of two units is
 * cut in half. O(the result). */
size_t tsio_utf8_find_utf16(const uint8_t *data, size_t len, size_t units);

#endif
