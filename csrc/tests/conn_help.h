/* conn_help.h -- helpers for the tests of connections: the bytes of a client, and checks of events and output. */
#ifndef TSIO_CONN_HELP_H
#define TSIO_CONN_HELP_H

#include "alloc_help.h"
#include "conn.h"
#include "ws_help.h"

enum { BIG = 1 << 20 };

static ws_stream stream; /* the bytes that the client sends next */

static inline void start(tsio_conn *conn)
{
    tsio_conn_init(conn, BIG, 100, 100, BIG, TSIO_POLICY_DISCONNECT);
    stream.len = 0;
}

static inline void finish(tsio_conn *conn)
{
    tsio_conn_free(conn);
    CHECK_EQ(alloc_live, 0);
}

static inline void put(uint8_t opcode, const char *payload)
{
    ws_put_frame(&stream, true, opcode, payload, strlen(payload));
}

static inline void put_close(uint16_t code, const char *reason)
{
    uint8_t payload[125] = {(uint8_t)(code >> 8), (uint8_t)code};
    memcpy(payload + 2, reason, strlen(reason));
    ws_put_frame(&stream, true, TSIO_WS_CLOSE, payload, 2 + strlen(reason));
}

/* Feeds the bytes of the stream to the connection, and empties the stream. */
static inline void feed(tsio_conn *conn)
{
    CHECK_EQ(tsio_conn_feed(conn, stream.data, stream.len), TSIO_OK);
    stream.len = 0;
}

static inline void check_next(tsio_conn *conn, tsio_conn_event_kind kind, const char *data)
{
    tsio_conn_event event;
    CHECK_EQ(tsio_conn_next(conn, 0, &event), TSIO_OK);
    CHECK_EQ(event.kind, kind);
    CHECK(event.data != NULL);
    CHECK_BYTES(event.data, event.len, data, strlen(data));
}

static inline void check_idle(tsio_conn *conn)
{
    check_next(conn, TSIO_CONN_NEED_MORE, "");
    check_next(conn, TSIO_CONN_NEED_MORE, "");
}

static inline void check_fails(tsio_conn *conn, tsio_status expected)
{
    tsio_conn_event event;
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(tsio_conn_next(conn, 0, &event), expected);
        CHECK(event.kind == TSIO_CONN_NEED_MORE && event.data != NULL && event.len == 0);
        put(TSIO_WS_TEXT, "ignored");
        feed(conn);
    }
}

static inline void check_take(tsio_conn *conn, size_t max_bytes, const void *expected, size_t expected_len)
{
    tsio_buf dst = {0};
    CHECK_EQ(tsio_conn_take(conn, &dst, max_bytes), TSIO_OK);
    CHECK_BYTES(dst.data, dst.len, expected, expected_len);
    tsio_buf_free(&dst);
}

static inline void push(tsio_conn *conn, const char *text, tsio_status expected)
{
    tsio_message *message = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_text(message, '4', (const uint8_t *)text, strlen(text)), TSIO_OK);
    CHECK_EQ(tsio_outbox_push(&conn->outbox, message, 0), expected);
    tsio_message_unref(message);
}

#endif
