/* MessagePack is read item by item, and nothing behind the end of the input. */
#include "check.h"
#include "msgpack.h"

static tsio_msgpack_item only(const char *bytes, size_t len)
{
    uint8_t *block = check_block(bytes, len);
    tsio_msgpack in = {block, block + len};
    tsio_msgpack_item item = {0};
    CHECK(tsio_msgpack_next(&in, &item));
    CHECK_EQ(in.end - in.at, 0);
    item.data = NULL;
    for (size_t cut = 0; cut < len; cut++) { /* each shorter input is incomplete */
        tsio_msgpack_item cut_item;
        uint8_t *shorter = check_block(bytes, cut);
        in = (tsio_msgpack){shorter, shorter + cut};
        CHECK(!tsio_msgpack_next(&in, &cut_item));
        check_block_free(shorter, cut);
    }
    check_block_free(block, len);
    return item;
}

#define ONLY(literal) only(literal, sizeof(literal) - 1)

static void test_numbers(void)
{
    CHECK_EQ(ONLY("\x7f").number, 127);
    CHECK_EQ(ONLY("\xcc\xff").number, 255);
    CHECK_EQ(ONLY("\xcd\x01\x00").number, 256);
    CHECK_EQ(ONLY("\xce\xff\xff\xff\xff").number, 4294967295);
    CHECK(ONLY("\xcf\xff\xff\xff\xff\xff\xff\xff\xff").number == UINT64_MAX);
    CHECK_EQ(ONLY("\xd0\x7f").kind, TSIO_MSGPACK_UINT);
    CHECK_EQ(ONLY("\xff").kind, TSIO_MSGPACK_INT);
    CHECK_EQ((int64_t)ONLY("\xe0").number, -32);
    CHECK_EQ((int64_t)ONLY("\xd0\x80").number, -128);
    CHECK_EQ((int64_t)ONLY("\xd1\x80\x00").number, -32768);
    CHECK_EQ((int64_t)ONLY("\xd2\xff\xff\xff\xfe").number, -2);
    CHECK_EQ((int64_t)ONLY("\xd3\x80\x00\x00\x00\x00\x00\x00\x00").number, INT64_MIN);
    CHECK(ONLY("\xca\x3f\x00\x00\x00").real == 0.5);
    CHECK(ONLY("\xcb\xbf\xe0\x00\x00\x00\x00\x00\x00").real == -0.5);
}

static void test_others(void)
{
    CHECK_EQ(ONLY("\xc0").kind, TSIO_MSGPACK_NIL);
    CHECK_EQ(ONLY("\xc2").kind, TSIO_MSGPACK_FALSE);
    CHECK_EQ(ONLY("\xc3").kind, TSIO_MSGPACK_TRUE);
    CHECK_EQ(ONLY("\xa2hi").kind, TSIO_MSGPACK_TEXT);
    CHECK_EQ(ONLY("\xd9\x02hi").kind, TSIO_MSGPACK_TEXT);
    CHECK_EQ(ONLY("\xda\x00\x02hi").number, 2);
    CHECK_EQ(ONLY("\xdb\x00\x00\x00\x02hi").number, 2);
    CHECK_EQ(ONLY("\xc4\x01x").kind, TSIO_MSGPACK_BINARY);
    CHECK_EQ(ONLY("\xc5\x00\x01x").number, 1);
    CHECK_EQ(ONLY("\xc6\x00\x00\x00\x01x").number, 1);
    CHECK_EQ(ONLY("\x9f").number, 15);
    CHECK_EQ(ONLY("\xdc\x01\x00").kind, TSIO_MSGPACK_ARRAY);
    CHECK_EQ(ONLY("\xdd\xff\xff\xff\xff").number, 4294967295);
    CHECK_EQ(ONLY("\x8f").kind, TSIO_MSGPACK_MAP);
    CHECK_EQ(ONLY("\xde\x01\x00").number, 256);
    CHECK_EQ(ONLY("\xdf\x00\x00\x00\x01").kind, TSIO_MSGPACK_MAP);
}

static bool skips(const char *bytes, size_t len, size_t rest)
{
    uint8_t *block = check_block(bytes, len);
    tsio_msgpack in = {block, block + len};
    const bool is_whole = tsio_msgpack_skip(&in);
    if (is_whole)
        CHECK_EQ(in.end - in.at, rest);
    check_block_free(block, len);
    return is_whole;
}

static void test_skip(void)
{
    CHECK(skips("\x92\x81\xa1k\x91\x01\xc0\x05", 8, 1));
    CHECK(!skips("\x92\x81\xa1k\x91\x01", 6, 0));
    CHECK(!skips("\xdd\xff\xff\xff\xff\x01", 6, 0));
    CHECK(!skips("\xdf\xff\xff\xff\xff\xdf\xff\xff\xff\xff", 10, 0));
    CHECK(!skips("\xc1", 1, 0));
    CHECK(!skips("\xd4\x00\x00", 3, 0)); /* an extension */
    CHECK(!skips(NULL, 0, 0));
    enum { DEEP = 1000000 };
    char *nested = malloc(DEEP);
    CHECK(nested != NULL);
    memset(nested, 0x91, DEEP - 1);
    nested[DEEP - 1] = 1;
    CHECK(skips(nested, DEEP, 0));
    free(nested);
}

int main(void)
{
    test_numbers();
    test_others();
    test_skip();
    return check_done("msgpack");
}
