/* The pongs that wait: in their order, cut anywhere, bounded, and nothing kept when all are sent. */
#include "alloc_help.h"
#include "conn.h"
#include "pongs.h"
#include "ws_help.h"

enum { MOST = 300 };

static check_rng rng = {77};
static tsio_pongs *pongs;

static size_t waiting(void)
{
    size_t len;
    const uint8_t *frames = tsio_pongs_rest(pongs, &len);
    CHECK_EQ(frames == NULL, len == 0);
    return len;
}

/* Returns whether the first frame is half sent. */
static bool is_half_sent(void)
{
    return pongs != NULL && pongs->sent > pongs->start;
}

static tsio_status add(const char *payload)
{
    return tsio_pongs_add(&pongs, (const uint8_t *)payload, strlen(payload), MOST);
}

static void check_rest(const char *expected, size_t expected_len)
{
    size_t len;
    const uint8_t *frames = tsio_pongs_rest(pongs, &len);
    CHECK_BYTES(frames, len, expected, expected_len);
}

static void in_their_order(void)
{
    CHECK_EQ(waiting(), 0);
    CHECK(!is_half_sent());
    CHECK_EQ(add("a"), TSIO_OK);
    CHECK_EQ(add(""), TSIO_OK);
    CHECK_EQ(add("bc"), TSIO_OK);
    check_rest("\x8a\x01" "a" "\x8a\0" "\x8a\x02" "bc", 9);
    tsio_pongs_advance(&pongs, 3);
    CHECK(!is_half_sent());
    tsio_pongs_advance(&pongs, 1);
    CHECK(is_half_sent());
    CHECK_EQ(add("d"), TSIO_OK);
    check_rest("\0" "\x8a\x02" "bc" "\x8a\x01" "d", 8);
    tsio_pongs_advance(&pongs, 1);
    CHECK(!is_half_sent());
    tsio_pongs_advance(&pongs, 7);
    CHECK(pongs == NULL);
    CHECK_EQ(alloc_live, 0);
}

static void bounded(void)
{
    for (unsigned i = 0; i < MOST / 3; i++)
        CHECK_EQ(add("x"), TSIO_OK);
    CHECK_EQ(add("x"), TSIO_E_TOO_MANY_PINGS);
    CHECK_EQ(waiting(), MOST);
    tsio_pongs_advance(&pongs, 2);
    CHECK_EQ(add(""), TSIO_OK);
    CHECK_EQ(add(""), TSIO_E_TOO_MANY_PINGS);
    tsio_pongs_free(&pongs);
    CHECK_EQ(alloc_live, 0);
}

static void without_memory(void)
{
    CHECK_EQ(add("kept"), TSIO_OK);
    alloc_fail(1, false);
    CHECK_EQ(add("a payload that is longer than what there is room for"), TSIO_E_NO_MEMORY);
    CHECK(alloc_heal());
    check_rest("\x8a\x04" "kept", 6);
    tsio_pongs_free(&pongs);
}

/* A client that reads a little behind: the memory stays within a small factor of what waits. */
static void steadily(void)
{
    uint32_t added = 0, seen = 0;
    uint8_t frame[6];
    size_t at = 0;
    for (unsigned i = 0; i < 20000; i++) {
        char payload[8];
        size_t len;
        snprintf(payload, sizeof payload, "%04u", added % 10000u);
        if (add(payload) == TSIO_OK)
            added++;
        const uint8_t *frames = tsio_pongs_rest(pongs, &len);
        const size_t sent = check_below(&rng, len < 14 ? len + 1 : 14);
        for (size_t j = 0; j < sent; j++) {
            frame[at++] = frames[j];
            if (at < sizeof frame)
                continue;
            snprintf(payload, sizeof payload, "%04u", seen++ % 10000u);
            CHECK_BYTES(frame + 2, 4, payload, 4);
            at = 0;
        }
        tsio_pongs_advance(&pongs, sent);
        CHECK(pongs == NULL || pongs->cap <= 4 * MOST);
        CHECK_EQ(is_half_sent(), at > 0);
    }
    CHECK(added > 10000);
    tsio_pongs_free(&pongs);
    CHECK_EQ(alloc_live, 0);
}

/* As many as one read may bring are always answered; beyond what the outbox holds, the connection fails. */
static void of_a_connection(void)
{
    static ws_stream stream;
    tsio_conn conn;
    tsio_conn_event event;
    tsio_status status = TSIO_OK;
    size_t answered = 0;
    CHECK_EQ(tsio_conn_init(&conn, 1000, 10, 10, 1000, TSIO_POLICY_DISCONNECT), TSIO_OK);
    while (status == TSIO_OK) {
        stream.len = 0;
        ws_put_frame(&stream, true, TSIO_WS_PING, "12345678", 8);
        CHECK_EQ(tsio_conn_feed(&conn, stream.data, stream.len), TSIO_OK);
        status = tsio_conn_next(&conn, 0, &event);
        answered += status == TSIO_OK;
    }
    CHECK_EQ(status, TSIO_E_TOO_MANY_PINGS);
    CHECK_EQ(answered, TSIO_PONGS_MIN_BYTES / 10);
    CHECK_EQ(tsio_conn_next(&conn, 0, &event), TSIO_E_TOO_MANY_PINGS);
    tsio_conn_free(&conn);
    CHECK_EQ(alloc_live, 0);
}

int main(void)
{
    alloc_install();
    in_their_order();
    bounded();
    without_memory();
    steadily();
    of_a_connection();
    return check_done("pongs");
}
