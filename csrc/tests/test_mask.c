#include "check.h"
#include "mask.h"

static void test_known(void)
{
    static const uint8_t key[4] = {0x12, 0x34, 0x56, 0x78};
    uint8_t data[] = {0x00, 0x00, 0x00, 0x00, 0xff, 0x34};
    tsio_mask_scalar(data, sizeof data, key, 0);
    CHECK(memcmp(data, "\x12\x34\x56\x78\xed\x00", 6) == 0);
    tsio_mask(data, sizeof data, key, 0);
    CHECK(memcmp(data, "\x00\x00\x00\x00\xff\x34", 6) == 0);
    tsio_mask_scalar(data, sizeof data, key, 3);
    CHECK(memcmp(data, "\x78\x12\x34\x56\x87\x26", 6) == 0);
}

static void test_nothing(void)
{
    static const uint8_t key[4] = {1, 2, 3, 4};
    tsio_mask(NULL, 0, key, 0);
    tsio_mask_scalar(NULL, 0, key, 3);
    uint8_t *block = check_block(NULL, 0);
    tsio_mask(block, 0, key, 1);
    check_block_free(block, 0);
}

/* Every length around a few words, every alignment, every offset: against the
 * definition, with the bytes on both sides watched. */
static void test_against_scalar(void)
{
    check_rng rng = {2};
    for (size_t len = 0; len < 80; len++)
        for (size_t shift = 0; shift < 8; shift++)
            for (size_t offset = 0; offset < 9; offset++) {
                uint8_t key[4], original[88];
                check_random_bytes(&rng, key, sizeof key);
                check_random_bytes(&rng, original, sizeof original);
                uint8_t *fast = check_block(original, shift + len);
                uint8_t *slow = check_block(original, shift + len);
                tsio_mask(fast + shift, len, key, offset);
                tsio_mask_scalar(slow + shift, len, key, offset);
                CHECK(check_same(fast, slow, shift + len));
                CHECK(check_same(fast, original, shift));
                for (size_t i = 0; i < len; i++)
                    CHECK_EQ(slow[shift + i], original[shift + i] ^ key[(i + offset) & 3]);
                tsio_mask(fast + shift, len, key, offset);
                CHECK(check_same(fast, original, shift + len));
                check_block_free(fast, shift + len);
                check_block_free(slow, shift + len);
            }
}

static void test_bytes_behind_stay(void)
{
    static const uint8_t key[4] = {0xff, 0xff, 0xff, 0xff};
    for (size_t len = 0; len < 40; len++) {
        uint8_t data[48] = {0};
        tsio_mask(data, len, key, 0);
        for (size_t i = 0; i < sizeof data; i++)
            CHECK_EQ(data[i], i < len ? 0xff : 0);
    }
}

static void test_pieces(void)
{
    check_rng rng = {3};
    for (int round = 0; round < 2000; round++) {
        uint8_t key[4], whole[200], pieces[200];
        const size_t len = check_below(&rng, sizeof whole + 1);
        check_random_bytes(&rng, key, sizeof key);
        check_random_bytes(&rng, whole, sizeof whole);
        memcpy(pieces, whole, sizeof whole);
        tsio_mask(whole, len, key, 0);
        for (size_t pos = 0; pos < len;) {
            const size_t piece = 1 + check_below(&rng, len - pos < 20 ? len - pos : 20);
            tsio_mask(pieces + pos, piece, key, pos);
            pos += piece;
        }
        CHECK(check_same(whole, pieces, sizeof whole));
    }
}

static void test_offset_of_any_size(void)
{
    uint8_t key[4] = {1, 2, 3, 4}, data[9] = {0};
    tsio_mask(data, sizeof data, key, SIZE_MAX); /* SIZE_MAX % 4 is 3 */
    CHECK(memcmp(data, "\x04\x01\x02\x03\x04\x01\x02\x03\x04", 9) == 0);
}

int main(void)
{
    test_known();
    test_nothing();
    test_against_scalar();
    test_bytes_behind_stay();
    test_pieces();
    test_offset_of_any_size();
    return check_done("mask");
}
