#include "alloc_help.h"

static void starts_empty_and_owns_nothing(void)
{
    tsio_buf buf = {0};
    CHECK_EQ(tsio_buf_append(&buf, NULL, 0), TSIO_OK);
    CHECK_EQ(tsio_buf_reserve(&buf, 0), TSIO_OK);
    tsio_buf_consume_front(&buf, 0);
    tsio_buf_clear(&buf);
    CHECK(buf.data == NULL && buf.len == 0 && buf.cap == 0);
    tsio_buf_free(&buf);
    CHECK_EQ(alloc_live, 0);
}

static void reserves_without_changing_what_it_holds(void)
{
    tsio_buf buf = {0};
    tsio_buf_append(&buf, BYTES("abc"));
    CHECK_EQ(tsio_buf_reserve(&buf, 5000), TSIO_OK);
    CHECK(buf.cap >= 5003);
    CHECK_BYTES(buf.data, buf.len, "abc", 3);
    const uint8_t *data = buf.data;
    CHECK_EQ(tsio_buf_reserve(&buf, 5000), TSIO_OK);
    CHECK(buf.data == data);
    tsio_buf_free(&buf);
}

static void first_reservation_is_not_rounded_up_when_large(void)
{
    tsio_buf buf = {0};
    CHECK_EQ(tsio_buf_reserve(&buf, 1000), TSIO_OK);
    CHECK_EQ(buf.cap, 1000);
    tsio_buf_free(&buf);
}

static void refuses_a_size_that_overflows(void)
{
    tsio_buf buf = {0};
    tsio_buf_append(&buf, BYTES("abc"));
    const size_t calls = alloc_calls, cap = buf.cap;
    CHECK_EQ(tsio_buf_reserve(&buf, SIZE_MAX), TSIO_E_NO_MEMORY);
    CHECK_EQ(tsio_buf_reserve(&buf, SIZE_MAX - 2), TSIO_E_NO_MEMORY);
    CHECK_EQ(alloc_calls, calls);
    CHECK_EQ(tsio_buf_reserve(&buf, SIZE_MAX - 3), TSIO_E_NO_MEMORY); /* no overflow, but no memory */
    CHECK_EQ(alloc_calls, calls + 1);
    CHECK_EQ(buf.cap, cap);
    CHECK_BYTES(buf.data, buf.len, "abc", 3);
    tsio_buf_free(&buf);
}

static void stays_as_it_was_without_memory(void)
{
    tsio_buf buf = {0};
    uint8_t block[100] = {0};
    alloc_fail(1, true);
    CHECK_EQ(tsio_buf_append(&buf, block, 1), TSIO_E_NO_MEMORY);
    CHECK(buf.data == NULL && buf.len == 0 && buf.cap == 0);
    alloc_heal();
    tsio_buf_append(&buf, BYTES("abc"));
    alloc_fail(1, true);
    CHECK_EQ(tsio_buf_append(&buf, block, sizeof block), TSIO_E_NO_MEMORY);
    CHECK(alloc_heal());
    CHECK_BYTES(buf.data, buf.len, "abc", 3);
    CHECK_EQ(tsio_buf_append(&buf, block, sizeof block), TSIO_OK);
    CHECK_EQ(buf.len, 103);
    tsio_buf_free(&buf);
}

static void grows_by_doubling(void)
{
    tsio_buf buf = {0};
    const size_t calls = alloc_calls;
    for (size_t i = 0; i < 100000; i++)
        tsio_buf_append(&buf, "x", 1);
    CHECK_EQ(buf.len, 100000);
    CHECK(alloc_calls - calls <= 12);
    CHECK(buf.cap < 2 * 100000 + 64);
    tsio_buf_free(&buf);
    CHECK(buf.data == NULL && buf.len == 0 && buf.cap == 0);
}

static void clear_keeps_the_memory(void)
{
    tsio_buf buf = {0};
    tsio_buf_append(&buf, BYTES("abc"));
    const uint8_t *data = buf.data;
    tsio_buf_clear(&buf);
    CHECK_EQ(buf.len, 0);
    tsio_buf_append(&buf, BYTES("de"));
    CHECK(buf.data == data);
    CHECK_BYTES(buf.data, buf.len, "de", 2);
    tsio_buf_free(&buf);
}

/* Against an array that is never moved. */
static void does_what_an_array_does(void)
{
    enum { ROUNDS = 3000, MODEL_MAX = 1 << 20 };
    static uint8_t model[MODEL_MAX];
    uint8_t piece[300];
    check_rng rng = {1};
    for (unsigned repeat = 0; repeat < 20; repeat++) {
        tsio_buf buf = {0};
        size_t len = 0;
        for (unsigned i = 0; i < ROUNDS; i++) {
            const size_t what = check_below(&rng, 100);
            if (what < 60 && len < MODEL_MAX - sizeof piece) {
                const size_t count = check_below(&rng, sizeof piece);
                check_random_bytes(&rng, piece, count);
                memcpy(model + len, piece, count);
                len += count;
                CHECK_EQ(tsio_buf_append(&buf, piece, count), TSIO_OK);
            } else if (what < 98) {
                const size_t count = check_below(&rng, len + 1);
                len -= count;
                memmove(model, model + count, len);
                tsio_buf_consume_front(&buf, count);
            } else if (what == 98) {
                len = 0;
                tsio_buf_clear(&buf);
            } else {
                len = 0;
                tsio_buf_free(&buf);
            }
            CHECK(buf.len <= buf.cap);
            CHECK_BYTES(buf.data, buf.len, model, len);
        }
        tsio_buf_free(&buf);
    }
}

int main(void)
{
    alloc_install();
    starts_empty_and_owns_nothing();
    reserves_without_changing_what_it_holds();
    first_reservation_is_not_rounded_up_when_large();
    refuses_a_size_that_overflows();
    stays_as_it_was_without_memory();
    grows_by_doubling();
    clear_keeps_the_memory();
    does_what_an_array_does();
    CHECK_EQ(alloc_live, 0);
    return check_done("buf");
}
