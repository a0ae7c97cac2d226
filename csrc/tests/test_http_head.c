/* P19 */
#include "check.h"
#include "http_head.h"

#define REQUEST "GET / HTTP/1.1\r\n"

static size_t scan(const void *data, size_t len, bool *is_plain)
{
    uint8_t *block = check_block(data, len);
    const size_t found = tsio_http_head_len(block, len, is_plain);
    check_block_free(block, len);
    return found;
}

static size_t head_len(const void *data, size_t len)
{
    bool is_plain;
    const size_t found = scan(data, len, &is_plain);
    CHECK(found != 0 || !is_plain);
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

#define HOST "Host: x\r\n"

static const char *const plain[] = {
    REQUEST HOST "\r\n",
    "POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhOST:\r\nContent-Length: 999999999999999999\t\r\n\r\n",
    "HEAD /!~ HTTP/1.1\r\n" HOST "!#$%&'*+-.^_`|~09azAZ: \x80\xff \t a\r\n\r\n",
    "OPTIONS /* HTTP/1.1\r\nExpectation: a\r\n" HOST "Upgrade: websocket\r\n\r\n",
};

static const char *const not_plain[] = {
    REQUEST "\r\n",
    REQUEST HOST HOST "\r\n",
    "PUT / HTTP/1.1\r\n" HOST "\r\n",
    "get / HTTP/1.1\r\n" HOST "\r\n",
    "GETS / HTTP/1.1\r\n" HOST "\r\n",
    "GET  / HTTP/1.1\r\n" HOST "\r\n",
    "GET /  HTTP/1.1\r\n" HOST "\r\n",
    "GET /\tHTTP/1.1\r\n" HOST "\r\n",
    "GET / a HTTP/1.1\r\n" HOST "\r\n",
    "GET /\x80 HTTP/1.1\r\n" HOST "\r\n",
    "GET http://x/ HTTP/1.1\r\n" HOST "\r\n",
    "OPTIONS * HTTP/1.1\r\n" HOST "\r\n",
    "GET / HTTP/1.0\r\n" HOST "\r\n",
    "GET / HTTP/1.1 \r\n" HOST "\r\n",
    "GET / HTTP/1.10\r\n" HOST "\r\n",
    "GET / http/1.1\r\n" HOST "\r\n",
    "GET /HTTP/1.1\r\n" HOST "\r\n",
    "GET /\r\n" HOST "\r\n",
    REQUEST HOST "A : b\r\n\r\n",
    REQUEST HOST "A\x80: b\r\n\r\n",
    REQUEST HOST ": b\r\n\r\n",
    REQUEST HOST "A\r\n\r\n",
    REQUEST HOST "Content-Length: 1000000000000000000\r\n\r\n",
    REQUEST HOST "Transfer-Encoding: chunked\r\n\r\n",
    REQUEST HOST "EXPECT: 100-continue\r\n\r\n",
    REQUEST HOST "trailer: a\r\n\r\n",
};

static void test_plain_heads(void)
{
    bool is_plain = false;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        CHECK(scan(plain[i], strlen(plain[i]), &is_plain) == strlen(plain[i]) && is_plain);
    for (size_t i = 0; i < sizeof not_plain / sizeof not_plain[0]; i++)
        CHECK(scan(not_plain[i], strlen(not_plain[i]), &is_plain) == strlen(not_plain[i]) && !is_plain);
}

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
    bool is_plain;
    CHECK(tsio_http_head_len(NULL, 0, &is_plain) == 0);
}

int main(void)
{
    test_good_heads();
    test_bad_heads();
    test_plain_heads();
    test_what_follows_is_not_looked_at();
    return check_done("http_head");
}
