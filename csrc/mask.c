#include "mask.h"

void tsio_mask_scalar(uint8_t *data, size_t len, const uint8_t key[4], size_t offset)
{
    for (size_t i = 0; i < len; i++)
        data[i] ^= key[(offset + i) % 4];
}

void tsio_mask(uint8_t *data, size_t len, const uint8_t key[4], size_t offset)
{
    /* The key, rotated so that it begins with the byte for data[0], and repeated twice.
     * A word has twice the length of the key, so every word, and the rest, use the same
     * eight bytes. They are built byte by byte, and so in memory order on any machine. */
    uint8_t turned[8];
    for (size_t i = 0; i < 8; i++)
        turned[i] = key[(offset + i) % 4];
    const uint64_t word = tsio_load_word(turned);

    size_t i = 0;
    for (; len - i >= 8; i += 8)
        tsio_store_word(data + i, tsio_load_word(data + i) ^ word);
    for (; i < len; i++)
        data[i] ^= turned[i % 8];
}
