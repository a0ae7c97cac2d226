/* Output that is peeked at and advanced by any count, while pings come, messages
 * are queued and the connection is closed: what has gone over the wire is taken
 * apart again, and every frame must be whole and in its place. */
#include "alloc_help.h"
#include "conn.h"
#include "ws_help.h"

enum { BIG = 1 << 20, WIRE_MAX = 1 << 15, NUMBER = 4 };

static check_rng rng = {31};
static tsio_conn conns[2], *conn;
static struct {
    uint8_t wire[WIRE_MAX];
    size_t len;
    uint32_t pings, pushed, last_pong;
    bool closed;
} seen;

static void start(void)
{
    memset(&seen, 0, sizeof seen);
    conn = &conns[0];
    tsio_conn_init(conn, BIG, 100, 1000, BIG, TSIO_POLICY_DISCONNECT);
}

/* --- what happens to it ---------------------------------------------------------------- */

/* A number in ASCII, padded to any length. */
static size_t number_payload(uint8_t payload[125], uint32_t number, size_t more)
{
    char digits[16];
    snprintf(digits, sizeof digits, "%04u", number % 10000u);
    memset(payload, '.', 125);
    memcpy(payload, digits, NUMBER);
    return NUMBER + more;
}

static void ping(size_t more)
{
    static ws_stream stream;
    uint8_t payload[125];
    tsio_conn_event event;
    stream.len = 0;
    ws_put_frame(&stream, true, TSIO_WS_PING, payload, number_payload(payload, ++seen.pings, more));
    tsio_conn_lend(conn, stream.data, stream.len);
    CHECK_EQ(tsio_conn_next(conn, 0, &event), TSIO_OK);
    CHECK_EQ(event.kind, TSIO_CONN_NEED_MORE);
}

static void push(size_t more, uint32_t flags)
{
    uint8_t payload[125];
    tsio_message *message = tsio_message_new(0, 0);
    const size_t len = number_payload(payload, seen.pushed + 1, more);
    CHECK_EQ(tsio_message_add_text(message, 0, payload, len), TSIO_OK);
    const tsio_status status = tsio_outbox_push(&conn->outbox, message, flags);
    CHECK_EQ(status, seen.closed && flags == 0 ? TSIO_E_DROPPED : TSIO_OK);
    seen.pushed += status == TSIO_OK;
    tsio_message_unref(message);
}

static void close_it(size_t reason_len)
{
    uint8_t reason[123];
    memset(reason, 'r', sizeof reason);
    tsio_conn_close(conn, 1000, reason, reason_len);
    seen.closed = true;
}

static size_t peek(uint8_t *dst, size_t cap)
{
    uint8_t *block = check_block(NULL, cap);
    const size_t len = tsio_conn_peek(conn, block, cap);
    CHECK(len <= cap);
    memcpy(dst, block, len);
    check_block_free(block, cap);
    return len;
}

/* Peeks, and lets so many of these bytes go; false: there was nothing. */
static bool write_some(size_t cap, size_t at_most)
{
    static uint8_t all[WIRE_MAX], some[WIRE_MAX];
    const size_t all_len = peek(all, sizeof all), len = peek(some, cap), sent = at_most < len ? at_most : len;
    CHECK_EQ(all_len > 0, tsio_conn_has_output(conn));
    CHECK_BYTES(some, len, all, cap < all_len ? cap : all_len);
    CHECK(sent <= WIRE_MAX - seen.len);
    memcpy(seen.wire + seen.len, some, sent);
    seen.len += sent;
    tsio_conn_advance(conn, sent);
    return all_len > 0;
}

/* --- what came out of it ------------------------------------------------------------------ */

static uint32_t number_of(const uint8_t *payload)
{
    uint32_t number = 0;
    for (size_t i = 0; i < NUMBER; i++)
        number = 10 * number + (uint32_t)(payload[i] - '0');
    return number;
}

static void check_wire(void)
{
    uint32_t messages = 0;
    bool close_seen = false;
    for (size_t at = 0; at < seen.len;) {
        const uint8_t *frame = seen.wire + at, *payload = frame + 2;
        const size_t len = 2 + (size_t)frame[1];
        CHECK(!close_seen);
        CHECK(frame[1] < 126 && len <= seen.len - at);
        switch (frame[0]) {
        case 0x80 | TSIO_WS_TEXT:
            CHECK_EQ(number_of(payload), ++messages);
            break;
        case 0x80 | TSIO_WS_PONG:
            CHECK_EQ(number_of(payload), ++seen.last_pong); /* in their order */
            break;
        case 0x80 | TSIO_WS_CLOSE:
            CHECK_EQ(tsio_load_be16(payload), 1000);
            close_seen = true;
            break;
        default:
            CHECK_FAIL("a frame that begins with %02x", frame[0]);
        }
        at += len;
    }
    CHECK_EQ(close_seen, seen.closed);
    CHECK_EQ(conn->ws.close_sent, seen.closed);
    if (!seen.closed)
        CHECK(messages == seen.pushed && seen.last_pong == seen.pings);
}

static void finish(void)
{
    while (write_some(1 + check_below(&rng, 300), SIZE_MAX))
        ;
    CHECK(conn->ws.pongs == NULL && conn->ws.close_reason == NULL);
    check_wire();
    tsio_conn_free(conn);
    CHECK_EQ(alloc_live, 0);
}

/* --- all ways to do it -------------------------------------------------------------------- */

static void anything_may_happen(void)
{
    for (unsigned i = 0; i < 1500; i++) {
        start();
        const size_t events = 10 + check_below(&rng, 60), largest = 1 + check_below(&rng, 80);
        for (size_t event = 0; event < events; event++) {
            const size_t what = check_below(&rng, 100);
            if (what < 12)
                ping(check_below(&rng, check_below(&rng, 4) == 0 ? 122 : 6));
            else if (what < 35)
                push(check_below(&rng, 100), what < 15 ? TSIO_SEND_PROTECTED : 0);
            else if (what < 37)
                close_it(check_below(&rng, 124));
            else
                write_some(check_below(&rng, 200), check_below(&rng, largest));
        }
        finish();
    }
}

/* A ping, and in another round a message that nothing can refuse, after each byte. */
static void output_is_cut_anywhere(void)
{
    bool more = true;
    for (size_t cut = 0; more; cut++) {
        for (unsigned what = 0; what < 4; what++) {
            start();
            ping(1);
            push(3, 0);
            push(0, 0);
            if (what < 2)
                close_it(5);
            more = false;
            for (size_t sent = 0; sent < cut; sent++)
                more = write_some(cut, 1);
            if (what % 2 == 0)
                ping(2);
            else
                push(1, TSIO_SEND_PROTECTED);
            finish();
        }
        more |= cut < 4;
    }
}

static void a_begun_pong_is_finished_and_the_others_follow(void)
{
    start();
    ping(0);
    write_some(3, 3);
    ping(0);
    ping(0);
    push(0, 0);
    CHECK(tsio_conn_has_output(conn));
    finish();
    CHECK_EQ(seen.last_pong, 3);
    CHECK_EQ(seen.len, 4 * (2 + NUMBER));
}

static void the_pong_waits_for_the_end_of_a_message(void)
{
    start();
    push(0, 0);
    push(0, 0);
    write_some(1, 1);
    ping(0);
    write_some(BIG, 5); /* the rest of the first message */
    finish();
    CHECK_BYTES(seen.wire, seen.len, "\x81\x04" "0001" "\x8a\x04" "0001" "\x81\x04" "0002", 18);
}

/* The close frame without its reason is as good. */
static void closing_without_memory(void)
{
    start();
    push(0, 0);
    alloc_fail(1, false);
    close_it(100);
    CHECK(alloc_heal());
    finish();
    CHECK_EQ(seen.len, 2 + NUMBER + 4);
}

/* What is half sent goes with the WebSocket. */
static void adopting_with_a_begun_pong_and_close_frame(void)
{
    for (size_t cut = 0; cut < 14; cut++) {
        start();
        ping(0);
        close_it(2);
        for (size_t sent = 0; sent < cut; sent++)
            write_some(1, 1);
        conn = &conns[1]; /* the session */
        tsio_conn_init(conn, BIG, 100, 1000, BIG, TSIO_POLICY_DISCONNECT);
        tsio_conn_adopt(conn, &conns[0]);
        CHECK(conn->outbox.closed && !tsio_conn_has_output(&conns[0]));
        tsio_conn_free(&conns[0]);
        finish();
    }
}

static void what_is_half_sent_may_be_dropped_with_the_connection(void)
{
    start();
    ping(0);
    write_some(1, 1);
    ping(0);
    push(0, 0);
    close_it(9);
    CHECK(conn->ws.pongs->sent > conn->ws.pongs->start); /* the first pong is half sent */
    tsio_conn_free(conn);
    CHECK_EQ(alloc_live, 0);
}

int main(void)
{
    alloc_install();
    output_is_cut_anywhere();
    anything_may_happen();
    a_begun_pong_is_finished_and_the_others_follow();
    the_pong_waits_for_the_end_of_a_message();
    closing_without_memory();
    what_is_half_sent_may_be_dropped_with_the_connection();
    adopting_with_a_begun_pong_and_close_frame();
    return check_done("conn_peek");
}
