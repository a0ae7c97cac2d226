/* payload.h -- what the events carry: made so that a delivery can be checked by its
 * length and two bytes, in constant time, and told from those before and after it.
 *
 *     text and binary alike     | 'a' + seq % 26 | x x x x ... | 'A' + seq % 26 |
 */
#ifndef BENCH_PAYLOAD_H
#define BENCH_PAYLOAD_H

#include "csrc/base.h"

static inline void payload_fill(uint8_t *dst, size_t len, uint64_t seq)
{
    memset(dst, 'x', len);
    if (len > 1)
        dst[len - 1] = (uint8_t)('A' + seq % 26);
    if (len > 0)
        dst[0] = (uint8_t)('a' + seq % 26);
}

static inline bool payload_is(const uint8_t *data, size_t len, size_t expected_len, uint64_t seq)
{
    if (len != expected_len)
        return false;
    return len == 0 || (data[0] == 'a' + seq % 26 && (len == 1 || data[len - 1] == 'A' + seq % 26));
}

#endif
