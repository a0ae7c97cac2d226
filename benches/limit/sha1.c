#include "limit/sha1.h"

#include "csrc/base.h"

enum { BLOCK = 64, ROUNDS = 80 };

static uint32_t rotate(uint32_t word, unsigned count)
{
    return word << count | word >> (32 - count);
}

/* The function and the constant of each quarter of the rounds, section 5. */
static uint32_t mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    switch (round / 20) {
    case 0: return ((b & c) | (~b & d)) + 0x5a827999;
    case 1: return (b ^ c ^ d) + 0x6ed9eba1;
    case 2: return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    default: return (b ^ c ^ d) + 0xca62c1d6;
    }
}

static void add_block(uint32_t state[5], const uint8_t block[BLOCK])
{
    uint32_t words[ROUNDS];
    for (unsigned i = 0; i < 16; i++)
        words[i] = tsio_load_be32(block + (size_t)4 * i);
    for (unsigned i = 16; i < ROUNDS; i++)
        words[i] = rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (unsigned i = 0; i < ROUNDS; i++) {
        const uint32_t next = rotate(a, 5) + mix(i, b, c, d) + e + words[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void sha1(uint8_t digest[SHA1_BYTES], const uint8_t *data, size_t len)
{
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    uint8_t padded[2 * BLOCK] = {0};
    const size_t size = len < BLOCK - 8 ? BLOCK : 2 * BLOCK;
    memcpy(padded, data, len);
    padded[len] = 0x80;
    tsio_store_be64(padded + size - 8, (uint64_t)len * 8);
    for (size_t at = 0; at < size; at += BLOCK)
        add_block(state, padded + at);
    for (size_t i = 0; i < SHA1_BYTES; i++)
        digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}
