/* Messages compressed and inflated: vectors, pairs of random messages, the limits, and
 * everything that a client may get wrong. */
#include "alloc_help.h"
#include "deflate.h"
#include "ws_frame.h"

enum { THRESHOLD = 16, MAX_BYTES = 100000, LARGEST = 300000 };

static tsio_deflate *shared; /* as a server has it: every message goes through the same */
static size_t alloc_largest; /* block that was asked for */

static void *alloc_watched(void *block, size_t size)
{
    alloc_largest = size > alloc_largest ? size : alloc_largest;
    return alloc_realloc(block, size);
}

static tsio_deflate *new_deflate(void)
{
    tsio_deflate *deflate = tsio_deflate_new(6, 15, 8, THRESHOLD, MAX_BYTES);
    CHECK(deflate != NULL);
    return deflate;
}

/* Inflates behind three bytes that must stay, from a block of just the right size. */
static tsio_status inflate_to(tsio_buf *dst, const void *in, size_t len, uint64_t max_bytes)
{
    uint8_t *block = check_block(in, len);
    tsio_buf_clear(dst);
    CHECK_EQ(tsio_buf_append(dst, "abc", 3), TSIO_OK);
    const tsio_status status = tsio_inflate_message(shared, block, len, dst, max_bytes);
    CHECK(check_same(dst->data, "abc", 3));
    if (status == TSIO_OK)
        tsio_buf_consume_front(dst, 3);
    else
        CHECK_EQ(dst->len, 3);
    check_block_free(block, len);
    return status;
}

static void inflates(const uint8_t *in, size_t len, const char *text)
{
    tsio_buf dst = {0};
    CHECK_EQ(inflate_to(&dst, in, len, strlen(text)), TSIO_OK);
    CHECK_BYTES(dst.data, dst.len, text, strlen(text));
    if (*text != '\0')
        CHECK_EQ(inflate_to(&dst, in, len, strlen(text) - 1), TSIO_E_MESSAGE_TOO_BIG);
    tsio_buf_free(&dst);
}

static void refuses(const uint8_t *in, size_t len)
{
    tsio_buf dst = {0};
    CHECK_EQ(inflate_to(&dst, in, len, LARGEST), TSIO_E_INFLATE);
    tsio_buf_free(&dst);
}

/* --- what may come -------------------------------------------------------- */

#define TICK "\xc9\x4c\xce\x56\x28\xc9\x07\x11\x30\x16\x00" /* the vector without its first byte */

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

/* --- what is sent --------------------------------------------------------- */

static void put_frame(tsio_buf *frames, uint8_t opcode, const uint8_t *data, size_t len)
{
    uint8_t header[10];
    CHECK_EQ(tsio_buf_append(frames, header, tsio_ws_header_build(header, opcode, len)), TSIO_OK);
    CHECK_EQ(tsio_buf_append(frames, data, len), TSIO_OK);
}

/* Text that can be compressed, with `noise` of 100 bytes being random. */
static void make_payload(check_rng *rng, uint8_t *dst, size_t len, size_t noise)
{
    for (size_t i = 0; i < len; i++)
        dst[i] = check_below(rng, 100) < noise ? (uint8_t)check_random(rng) : (uint8_t)("tick tock "[i % 10]);
}

/* Deflates the frames, inflates what came out; how many of them were compressed. */
static unsigned check_pair(const tsio_buf *frames, uint32_t parts)
{
    tsio_buf out = {0}, again = {0}, text = {0};
    unsigned compressed = 0;
    CHECK_EQ(tsio_buf_append(&out, "abc", 3), TSIO_OK);
    CHECK_EQ(tsio_deflate_frames(shared, frames, parts, &out), TSIO_OK);
    CHECK(check_same(out.data, "abc", 3));
    tsio_deflate *fresh = new_deflate();
    CHECK_EQ(tsio_deflate_frames(fresh, frames, parts, &again), TSIO_OK);
    CHECK_BYTES(out.data + 3, out.len - 3, again.data, again.len); /* whatever was sent before */
    tsio_deflate_free(fresh);
    const uint8_t *from = frames->data, *at = out.data + 3;
    for (uint32_t i = 0; i < parts && out.len > 3; i++) {
        const tsio_ws_payload original = tsio_ws_payload_at(from), sent = tsio_ws_payload_at(at);
        CHECK_EQ(at[0] & 0xbf, from[0]);
        if ((at[0] & TSIO_WS_RSV1) != 0) {
            compressed++;
            CHECK(sent.len < original.len && original.len >= THRESHOLD);
            CHECK_EQ(inflate_to(&text, sent.data, sent.len, original.len), TSIO_OK);
            CHECK_BYTES(text.data, text.len, original.data, original.len);
            CHECK_EQ(inflate_to(&text, sent.data, sent.len, original.len - 1), TSIO_E_MESSAGE_TOO_BIG);
            CHECK_EQ(inflate_to(&text, sent.data, sent.len, 0), TSIO_E_MESSAGE_TOO_BIG);
        } else {
            CHECK_BYTES(sent.data, sent.len, original.data, original.len);
        }
        from = original.data + original.len;
        at = sent.data + sent.len;
    }
    CHECK(out.len == 3 || at == out.data + out.len);
    CHECK_EQ(out.len > 3, compressed > 0);
    tsio_buf_free(&text);
    tsio_buf_free(&again);
    tsio_buf_free(&out);
    return compressed;
}

static unsigned check_single(const uint8_t *payload, size_t len)
{
    tsio_buf frames = {0};
    put_frame(&frames, TSIO_WS_TEXT, payload, len);
    const unsigned compressed = check_pair(&frames, 1);
    tsio_buf_free(&frames);
    return compressed;
}

static void test_sizes(void)
{
    static uint8_t payload[MAX_BYTES + 1];
    check_rng rng = {1};
    make_payload(&rng, payload, sizeof payload, 0);
    CHECK_EQ(check_single(payload, 0), 0);
    CHECK_EQ(check_single(payload, THRESHOLD - 1), 0);
    CHECK_EQ(check_single(payload, THRESHOLD), 1);
    CHECK_EQ(check_single(payload, MAX_BYTES - 10), 1); /* with its header */
    CHECK_EQ(check_single(payload, MAX_BYTES - 9), 0);
    CHECK_EQ(check_single(payload, MAX_BYTES + 1), 0);
    check_random_bytes(&rng, payload, sizeof payload);
    CHECK_EQ(check_single(payload, THRESHOLD), 0); /* would not get smaller */
    CHECK_EQ(check_single(payload, 70000), 0);
}

static void test_pairs(void)
{
    static uint8_t payload[30000];
    check_rng rng = {2};
    unsigned compressed = 0, plain = 0;
    for (int round = 0; round < 300; round++) {
        tsio_buf frames = {0};
        const uint32_t parts = (uint32_t)(1 + check_below(&rng, 3));
        for (uint32_t i = 0; i < parts; i++) {
            const size_t len = check_below(&rng, check_below(&rng, 2) ? sizeof payload : 60);
            make_payload(&rng, payload, len, check_below(&rng, 3) * 50);
            put_frame(&frames, i == 0 ? TSIO_WS_TEXT : TSIO_WS_BINARY, payload, len);
        }
        const unsigned count = check_pair(&frames, parts);
        compressed += count;
        plain += parts - count;
        tsio_buf_free(&frames);
    }
    CHECK(compressed > 100 && plain > 100);
}

/* Another window is a smaller one: what lies further back is not referred to. */
static void test_options(void)
{
    static uint8_t payload[4000];
    check_rng rng = {3};
    check_random_bytes(&rng, payload, 2000);
    memcpy(payload + 2000, payload, 2000);
    tsio_buf frames = {0}, out = {0};
    put_frame(&frames, TSIO_WS_BINARY, payload, sizeof payload);
    tsio_deflate *narrow = tsio_deflate_new(9, 9, 1, 0, LARGEST), *wide = tsio_deflate_new(1, 15, 9, 0, SIZE_MAX);
    CHECK(narrow != NULL && wide != NULL);
    CHECK_EQ(tsio_deflate_frames(narrow, &frames, 1, &out), TSIO_OK);
    CHECK_EQ(out.len, 0);
    CHECK_EQ(tsio_deflate_frames(wide, &frames, 1, &out), TSIO_OK);
    CHECK(out.len > 2000 && out.len < 2200);
    tsio_deflate_free(narrow);
    tsio_deflate_free(wide);
    tsio_buf_free(&frames);
    tsio_buf_free(&out);

    CHECK(tsio_deflate_new(0, 15, 8, 0, 0) == NULL);
    CHECK(tsio_deflate_new(10, 15, 8, 0, 0) == NULL);
    CHECK(tsio_deflate_new(6, 8, 8, 0, 0) == NULL);
    CHECK(tsio_deflate_new(6, 16, 8, 0, 0) == NULL);
    CHECK(tsio_deflate_new(6, 31, 8, 0, 0) == NULL);
    CHECK(tsio_deflate_new(6, 15, 0, 0, 0) == NULL);
    CHECK(tsio_deflate_new(6, 15, 10, 0, 0) == NULL);
    tsio_deflate_free(NULL);
}

/* --- limits and hostile input ------------------------------------------------ */

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

static unsigned verdicts[3];

static void judge(tsio_buf *text, const uint8_t *in, size_t len, size_t max_bytes)
{
    const tsio_status status = inflate_to(text, in, len, max_bytes);
    CHECK(status == TSIO_OK || status == TSIO_E_INFLATE || status == TSIO_E_MESSAGE_TOO_BIG);
    CHECK(status != TSIO_OK || text->len <= max_bytes);
    verdicts[status == TSIO_OK ? 0 : status == TSIO_E_INFLATE ? 1 : 2]++;
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

/* --- no memory --------------------------------------------------------------- */

/* Each call fails cleanly or works, and works when it is tried again. */
static size_t scenario(void)
{
    static uint8_t payload[20000];
    size_t failures = 0;
    check_rng rng = {6};
    make_payload(&rng, payload, sizeof payload, 10);
    tsio_buf out = {0}, text = {0};
    static uint8_t wire[2 * (sizeof payload + 10)]; /* frames without an allocation of their own */
    const size_t header_len = tsio_ws_header_build(wire, TSIO_WS_BINARY, sizeof payload);
    const size_t frame_len = header_len + sizeof payload;
    memcpy(wire + header_len, payload, sizeof payload);
    memcpy(wire + frame_len, wire, frame_len);
    const tsio_buf frames = {wire, 2 * frame_len, sizeof wire};

    tsio_deflate *deflate = tsio_deflate_new(6, 15, 8, 0, MAX_BYTES);
    if (deflate == NULL) {
        CHECK(alloc_heal());
        failures++;
        deflate = new_deflate();
    }
    tsio_status status = tsio_deflate_frames(deflate, &frames, 2, &out);
    if (status == TSIO_E_NO_MEMORY) {
        CHECK(alloc_heal() && out.len == 0);
        failures++;
        status = tsio_deflate_frames(deflate, &frames, 2, &out);
    }
    CHECK_EQ(status, TSIO_OK);
    const tsio_ws_payload sent = tsio_ws_payload_at(out.data);
    status = tsio_inflate_message(deflate, sent.data, sent.len, &text, sizeof payload);
    if (status == TSIO_E_NO_MEMORY) {
        CHECK(alloc_heal() && text.len == 0);
        failures++;
        status = tsio_inflate_message(deflate, sent.data, sent.len, &text, sizeof payload);
    }
    CHECK_EQ(status, TSIO_OK);
    CHECK_BYTES(text.data, text.len, payload, sizeof payload);
    tsio_buf_free(&out);
    tsio_buf_free(&text);
    tsio_deflate_free(deflate);
    return failures;
}

static void test_no_memory(void)
{
    for (unsigned rest = 0; rest < 2; rest++) {
        size_t n = 1;
        for (bool hit = true; hit; n++) {
            const size_t live = alloc_live;
            alloc_fail(n, rest != 0);
            hit = scenario() > 0;
            CHECK(!alloc_heal());
            CHECK_EQ(alloc_live, live);
        }
        CHECK(n > 10); /* the struct, zlib's states and windows, scratch and both buffers */
    }
}

int main(void)
{
    alloc_install();
    tsio_alloc.realloc = alloc_watched;
    shared = new_deflate();
    test_vectors();
    test_final_blocks();
    test_broken();
    test_sizes();
    test_pairs();
    test_options();
    test_bomb();
    test_many_blocks();
    test_truncations();
    test_garbage();
    test_no_memory();
    tsio_deflate_free(shared);
    CHECK_EQ(alloc_live, 0);
    return check_done("deflate");
}
