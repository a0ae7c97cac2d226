/* However the input is split, the same comes of it. */
#include "conn_help.h"

static ws_outcome expected, found;
static check_rng rng = {11};

static void log_event(ws_outcome *outcome, const tsio_conn_event *event)
{
    static const char letters[] = {0, 'T', 'B', 'c'};
    ws_log(outcome, letters[event->kind], event->close_code, event->data, event->len);
}

/* Random ASCII, which is valid in text and in any split of it. */
static void put_random_message(void)
{
    static uint8_t payload[3000];
    const size_t len = check_below(&rng, check_below(&rng, 8) == 0 ? sizeof payload : 140);
    const bool text = check_below(&rng, 2) == 0;
    for (size_t i = 0; i < len; i++)
        payload[i] = (uint8_t)(check_random(&rng) & (text ? 0x7f : 0xff));
    const uint8_t opcode = text ? TSIO_WS_TEXT : TSIO_WS_BINARY;
    const size_t fragments = 1 + (check_below(&rng, 3) == 0 ? check_below(&rng, 5) : 0);
    size_t at = 0;
    for (size_t i = 0; i < fragments; i++) {
        const bool fin = i + 1 == fragments;
        const size_t count = fin ? len - at : check_below(&rng, len - at + 1);
        ws_put_frame(&stream, fin, i == 0 ? opcode : TSIO_WS_CONTINUATION, payload + at, count);
        at += count;
        if (!fin && check_below(&rng, 4) == 0)
            put(check_below(&rng, 2) == 0 ? TSIO_WS_PING : TSIO_WS_PONG, "within");
    }
    const bool answer = text && len == 1 && payload[0] == '3';
    if (!answer)
        ws_log(&expected, text ? 'T' : 'B', 0, payload, len);
}

static void put_random_stream(void)
{
    memset(&expected, 0, offsetof(ws_outcome, message));
    expected.log_len = 0;
    expected.status = TSIO_OK;
    stream.len = 0;
    for (size_t count = check_below(&rng, 20); count > 0; count--) {
        const size_t what = check_below(&rng, 10);
        if (what < 7)
            put_random_message();
        else if (what == 7)
            put(TSIO_WS_PING, count % 2 == 0 ? "even" : "");
        else if (what == 8)
            put(TSIO_WS_TEXT, "3");
        else
            put(TSIO_WS_PONG, "unasked");
    }
    const size_t end = check_below(&rng, 4);
    if (end == 0) {
        put(13, "reserved");
        expected.status = TSIO_E_RESERVED_OPCODE;
    } else if (end == 1) {
        ws_put_frame(&stream, false, TSIO_WS_TEXT, "4\xc3", 2);
        ws_put_frame(&stream, true, TSIO_WS_CONTINUATION, "\xff", 1);
        expected.status = TSIO_E_INVALID_UTF8;
    } else if (end == 2) {
        put_close(1001, "away");
        ws_log(&expected, 'c', 1001, (const uint8_t *)"away", 4);
    }
    if (end < 3)
        put(TSIO_WS_TEXT, "ignored");
}

/* Feeds pieces of at most `piece_max` bytes (0: all at once) and logs what comes out. */
static void read_in_pieces(size_t piece_max, tsio_buf *output)
{
    tsio_wheel *wheel = malloc(sizeof *wheel);
    tsio_conn conn;
    CHECK(wheel != NULL);
    tsio_wheel_init(wheel, 1, 0);
    tsio_conn_init(&conn, BIG, 100, 100, BIG, TSIO_POLICY_DISCONNECT);
    tsio_conn_heartbeat_start(&conn, wheel, 0, 25, 20);
    found.log_len = 0;
    found.status = TSIO_OK;
    for (size_t at = 0, len; at < stream.len; at += len) {
        tsio_conn_event event;
        len = piece_max == 0 ? stream.len : 1 + check_below(&rng, piece_max);
        len = len < stream.len - at ? len : stream.len - at;
        uint8_t *block = check_block(stream.data + at, len);
        CHECK_EQ(tsio_conn_feed(&conn, block, len), TSIO_OK);
        check_block_free(block, len);
        do {
            found.status = tsio_conn_next(&conn, 1, &event);
            if (event.kind != TSIO_CONN_NEED_MORE)
                log_event(&found, &event);
        } while (event.kind != TSIO_CONN_NEED_MORE);
        CHECK(conn.ws.input.data == NULL);
    }
    CHECK(conn.ws.message.data == NULL); /* the stream ends with a whole message */
    tsio_buf_clear(output);
    CHECK_EQ(tsio_conn_take(&conn, output, BIG), TSIO_OK);
    tsio_conn_detach(&conn, wheel);
    tsio_conn_free(&conn);
    free(wheel);
}

static void any_split_gives_the_same(void)
{
    for (unsigned round = 0; round < 300; round++) {
        tsio_buf whole = {0}, split = {0};
        put_random_stream();
        read_in_pieces(0, &whole);
        ws_check_same(&found, &expected);
        for (size_t piece_max = 1; piece_max < 4000; piece_max = piece_max * 4 + 1) {
            read_in_pieces(piece_max, &split);
            ws_check_same(&found, &expected);
            CHECK_BYTES(split.data, split.len, whole.data, whole.len); /* the same pong */
        }
        tsio_buf_free(&whole);
        tsio_buf_free(&split);
        CHECK_EQ(alloc_live, 0);
    }
}

int main(void)
{
    alloc_install();
    any_split_gives_the_same();
    CHECK_EQ(alloc_live, 0);
    return check_done("conn_split");
}
