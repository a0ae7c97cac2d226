/* P19 */
#include "check.h"
#include "http_head.h"

#define REQUEST "GET / HTTP/1.1\r\n"

static size_t head_len(const void *data, size_t len)
{
    uint8_t *block = check_block(data, len);
    const size_t found = tsio_http_head_len(block, len);
    check_block_free(block, len);
    return found;
}

static const char *const good[] = {
    REQUEST "\r\n",
    REQUEST "Host: x\r\n\r\n",
    REQUEST "A:\r\nB: \t c \t\r\nC: \x80\xff\r\n\r\n",
    REQUEST "Content-Length: 0\r\n\r\n",
    REQUEST "CONTENT-LENGTH:\t12 \r\n\r\n",
    REQUEST "Content-Lengths: 1, 2\r\nX-Content-Length: a\r\nContent-Lengt: b\r\n\r\n",
    REQUEST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
};

static const char *const bad[] = {
    "\r\n",
    "\r\n" REQUEST "\r\n",
    " " REQUEST "\r\n",
    "GET / HTTP/1.1\n\n",
    "GET / HTTP/1.1\n\r\n",
    REQUEST "\n",
    REQUEST "A: b\rc\r\n\r\n",
    REQUEST "A: b\nC: d\r\n\r\n",
    REQUEST "A: b\r\r\n\r\n",
    REQUEST "A: b\r\n c\r\n\r\n",
    REQUEST "A: b\r\n\tc\r\n\r\n",
    REQUEST "\tA: b\r\n\r\n",
    REQUEST "A: \x01\r\n\r\n",
    REQUEST "A: \x7f\r\n\r\n",
    REQUEST "A: \x0b\r\n\r\n",
    REQUEST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
    REQUEST "Content-Length: 1\r\nHost: x\r\ncontent-length: 1\r\n\r\n",
    REQUEST "Content-Length: 1, 1\r\n\r\n",
    REQUEST "Content-Length:\r\n\r\n",
    REQUEST "Content-Length: +1\r\n\r\n",
    REQUEST "Content-Length: 1 1\r\n\r\n",
    REQUEST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    REQUEST "transfer-ENCODING: chunked\r\nContent-Length: 1\r\n\r\n",
};

static void test_good_heads(void)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const size_t len = strlen(good[i]);
        for (size_t cut = 0; cut < len; cut++)
            CHECK(head_len(good[i], cut) == 0);
        CHECK(head_len(good[i], len) == len);
    }
}

static void test_bad_heads(void)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        for (size_t cut = 0; cut <= strlen(bad[i]); cut++)
            CHECK(head_len(bad[i], cut) == 0);
}

static void test_what_follows_is_not_looked_at(void)
{
    static const char data[] = REQUEST "Host: x\r\n\r\n\n\x01 Content-Length: x";
    CHECK(head_len(data, sizeof data - 1) == sizeof REQUEST "Host: x\r\n\r\n" - 1);
    CHECK(tsio_http_head_len(NULL, 0) == 0);
}

int main(void)
{
    test_good_heads();
    test_bad_heads();
    test_what_follows_is_not_looked_at();
    return check_done("http_head");
}
