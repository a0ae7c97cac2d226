/* Limits of inflating, and hostile input. */
#include "deflate_help.h"

static size_t alloc_largest; /* the largest block that was allocated */
static unsigned verdicts[3];

static void *alloc_watched(void *block, size_t size)
{
    alloc_largest = size > alloc_largest ? size : alloc_largest;
    return alloc_realloc(block, size);
}

static void judge(tsio_buf *text, const uint8_t *in, size_t len, size_t max_bytes)
{
    const tsio_status status = inflate_to(text, in, len, max_bytes);
    CHECK(status == TSIO_OK || status == TSIO_E_INFLATE || status == TSIO_E_MESSAGE_TOO_BIG);
    CHECK(status != TSIO_OK || text->len <= max_bytes);
    verdicts[status == TSIO_OK ? 0 : status == TSIO_E_INFLATE ? 1 : 2]++;
}

/* A kilobyte that says a megabyte: inflated as far as the limit, in blocks that double. */
static void test_bomb(void)
{
    static const uint8_t zeros[1 << 20];
    tsio_deflate *patient = tsio_deflate_new(9, 15, 9, 0, 1 << 21);
    CHECK(patient != NULL);
    tsio_buf frames = {0}, out = {0}, text = {0};
    put_frame(&frames, TSIO_WS_BINARY, zeros, sizeof zeros);
    CHECK_EQ(tsio_deflate_frames(patient, &frames, 1, &out), TSIO_OK);
    const tsio_ws_payload bomb = tsio_ws_payload_at(out.data);
    CHECK(bomb.len < 2000);
    for (size_t max_bytes = 0; max_bytes <= 70000; max_bytes += 35000) {
        alloc_largest = 0;
        CHECK_EQ(inflate_to(&text, bomb.data, bomb.len, max_bytes), TSIO_E_MESSAGE_TOO_BIG);
        CHECK(alloc_largest <= 40000 || alloc_largest <= 2 * max_bytes); /* 32 kB are the window */
        tsio_buf_free(&text);
    }
    CHECK_EQ(inflate_to(&text, bomb.data, bomb.len, sizeof zeros - 1), TSIO_E_MESSAGE_TOO_BIG);
    CHECK_EQ(inflate_to(&text, bomb.data, bomb.len, sizeof zeros), TSIO_OK);
    CHECK_BYTES(text.data, text.len, zeros, sizeof zeros);
    CHECK_EQ(inflate_to(&text, bomb.data, bomb.len, UINT64_MAX), TSIO_OK);
    CHECK_EQ(text.len, sizeof zeros);
    tsio_deflate_free(patient);
    tsio_buf_free(&frames);
    tsio_buf_free(&out);
    tsio_buf_free(&text);
}

/* Blocks without content: a table is built for each, which takes longer than to inflate a page. */
static void test_many_blocks(void)
{
    enum { MOST = 16384 };
    static const uint8_t kinds[][5] = {{0x00, 0x00, 0x00, 0xff, 0xff}, {0x01, 0x00, 0x00, 0xff, 0xff}, {0x03, 0x00}};
    static uint8_t message[5 * (MOST + 1)];
    tsio_buf text = {0};
    for (size_t kind = 0; kind < 3; kind++) {
        const size_t size = kind < 2 ? 5 : 2;
        for (size_t i = 0; i <= MOST; i++)
            memcpy(message + i * size, kinds[kind], size);
        const bool is_final = (kinds[kind][0] & 1) != 0; /* otherwise the end that is not sent is one more */
        const size_t most = size * (is_final ? MOST : MOST - 1) + (is_final ? 0 : 1);
        CHECK_EQ(inflate_to(&text, message, most, 0), TSIO_OK);
        CHECK_EQ(text.len, 0);
        CHECK_EQ(inflate_to(&text, message, most + size, 0), TSIO_E_MESSAGE_TOO_BIG);
    }
    tsio_buf_free(&text);
}

/* A message cut anywhere never passes for a whole one: what is in it when its end is
 * put behind is at most a shorter one, and that only where a block happens to end. */
static void test_truncations(void)
{
    uint8_t payload[3000];
    check_rng rng = {4};
    tsio_buf frames = {0}, out = {0}, text = {0};
    make_payload(&rng, payload, sizeof payload, 30);
    put_frame(&frames, TSIO_WS_TEXT, payload, sizeof payload);
    CHECK_EQ(tsio_deflate_frames(shared, &frames, 1, &out), TSIO_OK);
    const tsio_ws_payload sent = tsio_ws_payload_at(out.data);
    size_t refused = 0;
    for (size_t len = 1; len < sent.len; len++)
        if (inflate_to(&text, sent.data, len, sizeof payload) != TSIO_OK)
            refused++;
        else
            CHECK(text.len < sizeof payload && check_same(text.data, payload, text.len));
    CHECK(refused + 2 >= sent.len - 1);
    tsio_buf_free(&frames);
    tsio_buf_free(&out);
    tsio_buf_free(&text);
}

static void test_garbage(void)
{
    uint8_t bytes[400], payload[1000];
    check_rng rng = {5};
    tsio_buf text = {0};
    for (int round = 0; round < 20000; round++) {
        const size_t len = check_below(&rng, sizeof bytes);
        check_random_bytes(&rng, bytes, len);
        judge(&text, bytes, len, check_below(&rng, 500));
    }
    for (int round = 0; round < 3000; round++) {
        tsio_buf frames = {0}, out = {0};
        make_payload(&rng, payload, sizeof payload, 10);
        put_frame(&frames, TSIO_WS_TEXT, payload, sizeof payload);
        CHECK_EQ(tsio_deflate_frames(shared, &frames, 1, &out), TSIO_OK);
        const tsio_ws_payload sent = tsio_ws_payload_at(out.data);
        const size_t place = out.len - 1 - check_below(&rng, sent.len);
        out.data[place] ^= (uint8_t)(1u << check_below(&rng, 8));
        judge(&text, sent.data, sent.len, sizeof payload);
        tsio_buf_free(&frames);
        tsio_buf_free(&out);
    }
    CHECK(verdicts[0] > 10 && verdicts[1] > 1000 && verdicts[2] > 100);
    tsio_buf_free(&text);
    inflates(BYTES("\x2a" TICK), "tick tock tick tock");
}

int main(void)
{
    alloc_install();
    tsio_alloc.realloc = alloc_watched;
    shared = new_deflate();
    test_bomb();
    test_many_blocks();
    test_truncations();
    test_garbage();
    tsio_deflate_free(shared);
    CHECK_EQ(alloc_live, 0);
    return check_done("inflate_hostile");
}
