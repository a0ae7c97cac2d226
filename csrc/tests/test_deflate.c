/* Compressing messages: which ones, and that inflating returns the original. */
#include "deflate_help.h"

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
    shared = new_deflate();
    test_sizes();
    test_pairs();
    test_options();
    test_no_memory();
    tsio_deflate_free(shared);
    CHECK_EQ(alloc_live, 0);
    return check_done("deflate");
}
