/* mask.h -- masking of a client's payload data (RFC 6455 section 5.3).
 *
 *     payload position   0    1    2    3    4    5   ...
 *     XORed with key[]   0    1    2    3    0    1   ...
 *
 * The operation is its own inverse: the same call masks and unmasks.
 */
#ifndef TSIO_MASK_H
#define TSIO_MASK_H

#include "base.h"

/* XORs `len` bytes in place. `offset` is the position of data[0] in the frame's
 * payload, so that a payload may be masked in pieces. NULL is fine when len is 0.
 * O(len), a word at a time. */
void tsio_mask(uint8_t *data, size_t len, const uint8_t key[4], size_t offset);

/* The same, a byte at a time, as RFC 6455 defines it. Tests compare tsio_mask() with it. */
void tsio_mask_scalar(uint8_t *data, size_t len, const uint8_t key[4], size_t offset);

#endif
