/* Which messages are inflated, and which are refused. */
#include "deflate_help.h"

static void refuses(const uint8_t *in, size_t len)
{
    tsio_buf dst = {0};
    CHECK_EQ(inflate_to(&dst, in, len, LARGEST), TSIO_E_INFLATE);
    tsio_buf_free(&dst);
}

static void test_vectors(void)
{
    inflates(BYTES("\x2a" TICK), "tick tock tick tock");
    inflates(BYTES("\x00\x04\x00\xfb\xff" "tick" "\x00"), "tick"); /* stored */
    inflates(BYTES("\x2a\xc9\x4c\xce\x56\x00\x00\x00\x00\xff\xff\x2a\xc9\x07\x11\x30\x16\x00"), "tick tock tick tock");
    inflates(BYTES("\x00"), "");
    inflates(NULL, 0, ""); /* some send an empty message like this */
}

/* Section 7.2.1: there may be final blocks, and others behind them. */
static void test_final_blocks(void)
{
    inflates(BYTES("\x2b" TICK "\x00"), "tick tock tick tock");
    inflates(BYTES("\x2b" TICK), "tick tock tick tock");
    inflates(BYTES("\x03\x00"), "");
    inflates(BYTES("\x01\x04\x00\xfb\xff" "tick" "\x01\x00\x00\xff\xff" "\x00\x02\x00\xfd\xff" "ed" "\x00"), "ticked");
    for (uint8_t len = 0; len < 200; len++) { /* also when there is no room left behind it */
        uint8_t stored[5 + 200] = {1, len, 0, (uint8_t)~len, 0xff};
        char text[201] = {0};
        memset(text, 'x', len);
        memset(stored + 5, 'x', len);
        inflates(stored, 5 + (size_t)len, text);
    }
    refuses(BYTES("\x2b" TICK "garbage"));
    refuses(BYTES("\x2b" TICK "\x00\x00"));
}

static void test_broken(void)
{
    refuses(BYTES("\xff"));                           /* no such kind of block */
    refuses(BYTES("\x00\x04\x00\xfa\xff" "tick"));    /* stored, and the length is not that of its complement */
    refuses(BYTES("\x2a\xc1\x14\x02\x00"));           /* refers to the message before it */
    refuses(BYTES("\x2a" TICK "\x00\x00\xff\xff"));   /* the end that is not to be sent */
    refuses(BYTES("\x2a" TICK "\x00"));
    refuses(BYTES("\x78\x9c\x2b" TICK));              /* zlib's header */
    inflates(BYTES("\x2a" TICK), "tick tock tick tock"); /* and none of it stays behind */
}

int main(void)
{
    alloc_install();
    shared = new_deflate();
    test_vectors();
    test_final_blocks();
    test_broken();
    tsio_deflate_free(shared);
    CHECK_EQ(alloc_live, 0);
    return check_done("inflate");
}
