/* Input that is lent: the same events as from input that is fed, however it is
 * cut, and not a byte is looked at after it was given back. */
#include "alloc_help.h"
#include "conn.h"
#include "ws_help.h"

enum { BIG = 1 << 20 };

static check_rng rng = {23};
static ws_stream stream; /* what the client sends */

static void start(tsio_conn *conn)
{
    tsio_conn_init(conn, BIG, 100, 100, BIG, TSIO_POLICY_DISCONNECT);
}

/* Overwrites lent bytes that must not be used any more. */
static void take_back(uint8_t *block, size_t len)
{
    memset(block, 0xdb, len);
    check_block_free(block, len);
}

/* --- the same as feeding -------------------------------------------------------- */

/* The log, as of ws_help.h; how many events were noted. */
static size_t note_events(ws_outcome *out, tsio_conn *conn, size_t at_most)
{
    static const char letters[] = {[TSIO_CONN_TEXT] = 'T', [TSIO_CONN_BINARY] = 'B', [TSIO_CONN_CLOSE] = 'c'};
    for (size_t count = 0; count < at_most; count++) {
        tsio_conn_event event;
        out->status = tsio_conn_next(conn, 0, &event);
        CHECK(event.data != NULL);
        if (event.kind == TSIO_CONN_NEED_MORE) {
            CHECK(!tsio_conn_has_input(conn));
            return count;
        }
        CHECK_EQ(out->status, TSIO_OK);
        ws_log(out, letters[event.kind], event.close_code, event.data, event.len);
    }
    return at_most;
}

typedef enum { FEED, LEND, LEND_AND_KEEP, ANYHOW } manner;

static void give(ws_outcome *out, tsio_conn *conn, const uint8_t *data, size_t len, manner how)
{
    uint8_t *block = check_block(data, len);
    if (how == ANYHOW)
        how = (manner)check_below(&rng, 3);
    if (how == FEED)
        CHECK_EQ(tsio_conn_feed(conn, block, len), TSIO_OK);
    else
        tsio_conn_lend(conn, block, len);
    if (how == LEND_AND_KEEP) {
        note_events(out, conn, check_below(&rng, 3));
        const bool has_input = tsio_conn_has_input(conn);
        CHECK_EQ(tsio_conn_keep(conn), TSIO_OK);
        CHECK_EQ(tsio_conn_has_input(conn), has_input && !conn->ws.close_received);
    }
    if (how == LEND)
        note_events(out, conn, SIZE_MAX);
    take_back(block, len);
    note_events(out, conn, SIZE_MAX);
}

/* All of the stream, in pieces of at most so many bytes. */
static void read_stream(ws_outcome *out, size_t largest, manner how)
{
    tsio_conn conn;
    memset(out, 0, sizeof *out);
    start(&conn);
    for (size_t at = 0; at < stream.len;) {
        const size_t rest = stream.len - at, piece = 1 + check_below(&rng, largest);
        give(out, &conn, stream.data + at, piece < rest ? piece : rest, how);
        at += piece < rest ? piece : rest;
    }
    tsio_buf dst = {0};
    CHECK_EQ(tsio_conn_take(&conn, &dst, BIG), TSIO_OK);
    if (dst.len > 0)
        ws_log(out, 'p', 0, dst.data, dst.len); /* the pong */
    tsio_buf_free(&dst);
    tsio_conn_free(&conn);
    CHECK_EQ(alloc_live, 0);
}

static void put_random_message(void)
{
    uint8_t payload[400];
    const bool text = check_below(&rng, 2) == 0;
    memset(payload, 'y', sizeof payload);
    if (!text)
        check_random_bytes(&rng, payload, sizeof payload);
    uint8_t opcode = text ? TSIO_WS_TEXT : TSIO_WS_BINARY;
    for (size_t fragments = check_below(&rng, 4); fragments > 0; fragments--, opcode = TSIO_WS_CONTINUATION) {
        ws_put_frame(&stream, false, opcode, payload, check_below(&rng, 40));
        if (check_below(&rng, 3) == 0)
            ws_put_frame(&stream, true, TSIO_WS_PING, payload, check_below(&rng, 126));
    }
    ws_put_frame(&stream, true, opcode, payload, check_below(&rng, check_below(&rng, 3) == 0 ? 400 : 20));
}

static void lending_is_like_feeding(void)
{
    static ws_outcome expected, actual;
    for (unsigned i = 0; i < 150; i++) {
        stream.len = 0;
        for (size_t count = check_below(&rng, 12); count > 0; count--)
            put_random_message();
        if (i % 3 == 1)
            ws_put_frame(&stream, true, TSIO_WS_CLOSE, "\x0f\xa1" "bye", 5);
        if (i % 3 == 2)
            ws_put_frame(&stream, true, TSIO_WS_TEXT, "4not \xff UTF-8", 12);
        for (size_t count = check_below(&rng, 3); count > 0; count--)
            put_random_message(); /* which is ignored after either */
        read_stream(&expected, stream.len + 1, FEED);
        CHECK_EQ(expected.status, i % 3 == 2 ? TSIO_E_INVALID_UTF8 : TSIO_OK);
        for (size_t largest = 1; largest < 2 * stream.len + 2; largest = 2 * largest + check_below(&rng, 2)) {
            for (manner how = LEND; how <= ANYHOW; how++) {
                read_stream(&actual, largest, how);
                ws_check_same(&expected, &actual);
            }
        }
    }
}

/* --- memory ----------------------------------------------------------------------- */

static void check_next(tsio_conn *conn, tsio_conn_event_kind kind, const char *data)
{
    tsio_conn_event event;
    CHECK_EQ(tsio_conn_next(conn, 0, &event), TSIO_OK);
    CHECK_EQ(event.kind, kind);
    CHECK_BYTES(event.data, event.len, data, strlen(data));
}

/* Three messages. */
static uint8_t *new_block(size_t *len)
{
    stream.len = 0;
    ws_put_frame(&stream, true, TSIO_WS_TEXT, "4one", 4);
    ws_put_frame(&stream, true, TSIO_WS_BINARY, "two", 3);
    ws_put_frame(&stream, true, TSIO_WS_TEXT, "4three", 6);
    *len = stream.len;
    return check_block(stream.data, stream.len);
}

static void whole_messages_are_handed_out_of_what_is_lent(void)
{
    tsio_conn conn;
    tsio_conn_event event;
    size_t len;
    uint8_t *block = new_block(&len);
    start(&conn);
    CHECK(!tsio_conn_has_input(&conn));
    tsio_conn_lend(&conn, block, len);
    const size_t calls = alloc_calls;
    for (unsigned i = 0; i < 3; i++) {
        CHECK(tsio_conn_has_input(&conn));
        CHECK_EQ(tsio_conn_next(&conn, 0, &event), TSIO_OK);
        CHECK(event.data > block && event.data + event.len <= block + len);
    }
    CHECK_EQ(tsio_conn_keep(&conn), TSIO_OK); /* of nothing */
    take_back(block, len);
    check_next(&conn, TSIO_CONN_NEED_MORE, "");
    CHECK_EQ(tsio_conn_keep(&conn), TSIO_OK);
    CHECK_EQ(alloc_calls, calls);
    tsio_conn_free(&conn);
}

static void keeping_twice_is_once(void)
{
    tsio_conn conn;
    size_t len;
    uint8_t *block = new_block(&len);
    start(&conn);
    tsio_conn_lend(&conn, block, len);
    check_next(&conn, TSIO_CONN_TEXT, "4one");
    CHECK_EQ(tsio_conn_keep(&conn), TSIO_OK);
    take_back(block, len);
    const size_t calls = alloc_calls;
    check_next(&conn, TSIO_CONN_BINARY, "two");
    CHECK_EQ(tsio_conn_keep(&conn), TSIO_OK);
    CHECK_EQ(alloc_calls, calls);
    stream.len = 0;
    ws_put_frame(&stream, true, TSIO_WS_TEXT, "4four", 5);
    CHECK_EQ(tsio_conn_feed(&conn, stream.data, stream.len), TSIO_OK); /* behind what was kept */
    check_next(&conn, TSIO_CONN_TEXT, "4three");
    check_next(&conn, TSIO_CONN_TEXT, "4four");
    check_next(&conn, TSIO_CONN_NEED_MORE, "");
    CHECK_EQ(alloc_live, FRONTS);
    tsio_conn_free(&conn);
}

static void keeping_without_memory_ends_the_connection(void)
{
    tsio_conn conn;
    tsio_conn_event event;
    size_t len;
    uint8_t *block = new_block(&len);
    start(&conn);
    tsio_conn_lend(&conn, block, len);
    check_next(&conn, TSIO_CONN_TEXT, "4one");
    alloc_fail(1, false);
    CHECK_EQ(tsio_conn_keep(&conn), TSIO_E_NO_MEMORY);
    CHECK(alloc_heal());
    take_back(block, len);
    CHECK(!tsio_conn_has_input(&conn));
    block = new_block(&len);
    tsio_conn_lend(&conn, block, len); /* is not even looked at */
    take_back(block, len);
    CHECK_EQ(tsio_conn_next(&conn, 0, &event), TSIO_E_NO_MEMORY);
    CHECK(event.kind == TSIO_CONN_NEED_MORE && !tsio_conn_has_input(&conn));
    CHECK_EQ(alloc_live, FRONTS);
    tsio_conn_free(&conn);
}

/* --- adopting ------------------------------------------------------------------------ */

static void adopting_in_the_middle_of_what_is_lent(void)
{
    for (unsigned keep = 0; keep < 2; keep++) {
        tsio_conn session, candidate;
        tsio_conn_event event;
        size_t len;
        uint8_t *block = new_block(&len);
        start(&session);
        start(&candidate);
        tsio_conn_lend(&candidate, block, len);
        CHECK_EQ(tsio_conn_next(&candidate, 0, &event), TSIO_OK);
        tsio_conn_adopt(&session, &candidate);
        CHECK_BYTES(event.data, event.len, "4one", 4);
        CHECK(tsio_conn_has_input(&session) && !tsio_conn_has_input(&candidate));
        check_next(&candidate, TSIO_CONN_NEED_MORE, "");
        CHECK_EQ(tsio_conn_keep(&candidate), TSIO_OK);
        if (keep) {
            CHECK_EQ(tsio_conn_keep(&session), TSIO_OK);
            take_back(block, len);
        }
        tsio_conn_free(&candidate);
        check_next(&session, TSIO_CONN_BINARY, "two");
        check_next(&session, TSIO_CONN_TEXT, "4three");
        check_next(&session, TSIO_CONN_NEED_MORE, "");
        if (!keep)
            take_back(block, len);
        CHECK_EQ(alloc_live, FRONTS);
        tsio_conn_free(&session);
    }
}

int main(void)
{
    alloc_install();
    lending_is_like_feeding();
    whole_messages_are_handed_out_of_what_is_lent();
    keeping_twice_is_once();
    keeping_without_memory_ends_the_connection();
    adopting_in_the_middle_of_what_is_lent();
    return check_done("conn_lend");
}
