/* utf8.h -- incremental UTF-8 validation (RFC 3629 sections 3 and 4).
 *
 * A text may arrive in pieces of any size. The state between two pieces is one word:
 *
 *      31        24 23        16 15         8 7          0
 *     +------------+------------+------------+------------+
 *     | refused    | highest    | lowest     | bytes the  |
 *     | (all ones) | next byte  | next byte  | char lacks |
 *     +------------+------------+------------+------------+
 *
 * Zero means "between two characters". The bounds of the next byte are enough to refuse
 * over-long forms, surrogates and values above U+10FFFF, because each of these shows
 * in the second byte of a character at the latest.
 */
#ifndef TSIO_UTF8_H
#define TSIO_UTF8_H

#include "base.h"

typedef struct {
    uint32_t state;
} tsio_utf8;

/* Validates `len` more bytes (borrowed; NULL is fine when len is 0). Returns false as
 * soon as no continuation can make the text valid, and on every call after that.
 * O(len); no byte is read twice. */
bool tsio_utf8_feed(tsio_utf8 *utf8, const uint8_t *data, size_t len);

/* Returns whether the text may end here: it is valid so far, and does not end inside a character. */
bool tsio_utf8_complete(const tsio_utf8 *utf8);

/* Returns whether `data` is a whole, valid text. */
bool tsio_utf8_valid(const uint8_t *data, size_t len);

/* Returns how many UTF-16 code units the text has (RFC 2781 section 2.1), which is its length
 * in JavaScript. In invalid UTF-8, continuation bytes do not count. O(len). */
size_t tsio_utf8_utf16_units(const uint8_t *data, size_t len);

/* Returns how many bytes the first `units` UTF-16 code units of `data` take, including any
 * continuation bytes behind the last character. Returns SIZE_MAX if there are fewer units, or
 * if a character of two units would be cut in half. O(the result). */
size_t tsio_utf8_find_utf16(const uint8_t *data, size_t len, size_t units);

#endif
