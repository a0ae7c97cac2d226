#include "conn.h"

#include "conn_ws.h"

static const uint8_t NOTHING[1] = {0};
static const tsio_conn_event NO_EVENT = {.kind = TSIO_CONN_NEED_MORE, .data = NOTHING};

static bool is_over(const tsio_conn_ws *ws)
{
    return ws->failed != TSIO_OK || ws->close_received;
}

tsio_status tsio_conn_feed(tsio_conn *conn, const uint8_t *data, size_t len)
{
    tsio_conn_ws *ws = &conn->ws;
    if (is_over(ws))
        return TSIO_OK;
    tsio_buf_consume_front(&ws->input, ws->in_pos);
    ws->in_pos = 0;
    const tsio_status status = tsio_buf_append(&ws->input, data, len);
    ws->in = ws->input.data;
    ws->in_len = ws->input.len;
    return status;
}

void tsio_conn_lend(tsio_conn *conn, uint8_t *data, size_t len)
{
    tsio_conn_ws *ws = &conn->ws;
    if (is_over(ws))
        return;
    ws->in = data;
    ws->in_len = len;
    ws->in_pos = 0;
}

tsio_status tsio_conn_keep(tsio_conn *conn)
{
    tsio_conn_ws *ws = &conn->ws;
    if (ws->in == NULL || ws->in == ws->input.data)
        return TSIO_OK;
    const uint8_t *rest = ws->in + ws->in_pos;
    const size_t len = ws->in_len - ws->in_pos;
    tsio_conn_ws_free_input(ws);
    if (len == 0)
        return TSIO_OK;
    const tsio_status status = tsio_conn_feed(conn, rest, len);
    if (status != TSIO_OK)
        ws->failed = status;
    return status;
}

bool tsio_conn_has_input(const tsio_conn *conn)
{
    return conn->ws.in_pos < conn->ws.in_len;
}

static tsio_status queue_pong(tsio_conn *conn, const tsio_ws_event *ping)
{
    const size_t max_bytes = tsio_conn_leave_fast_path(conn)->max_bytes; /* a pong is queued beside the messages */
    tsio_conn_ws *ws = &conn->ws;
    if (ws->close_sent || ws->close_pos > 0)
        return TSIO_OK;
    const size_t at_most = max_bytes > TSIO_PONGS_MIN_BYTES ? max_bytes : TSIO_PONGS_MIN_BYTES;
    return tsio_pongs_add(&ws->pongs, ping->data, ping->len, at_most);
}

static bool is_heartbeat_answer(const tsio_conn *conn, const tsio_conn_event *event)
{
    return conn->hb_state >= TSIO_HB_WAIT_PING && event->kind == TSIO_CONN_TEXT && event->len == 1 &&
           event->data[0] == '3' && !conn->report_pongs;
}

/* Inflates a whole compressed message into `message`. */
static tsio_status inflate(tsio_conn *conn, const uint8_t *data, size_t len, bool is_text)
{
    tsio_conn_ws *ws = &conn->ws;
    tsio_buf inflated = {0};
    const uint64_t max_bytes = ws->reader.max_message_bytes;
    const tsio_status status = tsio_inflate_message(conn->dialect->deflate, data, len, &inflated, max_bytes);
    tsio_conn_ws_free_message(ws);
    ws->message = inflated;
    ws->message_whole = true;
    if (status == TSIO_OK && is_text && !tsio_utf8_valid(inflated.data, inflated.len))
        return TSIO_E_INVALID_UTF8;
    return status;
}

/* Adds one span to the message. If it is the last one, *event becomes the whole message. */
static tsio_status add_span(tsio_conn *conn, const tsio_ws_event *span, tsio_conn_event *event)
{
    tsio_conn_ws *ws = &conn->ws;
    const uint8_t *data = span->data;
    size_t len = span->len;
    if (!span->first || !span->final) {
        const tsio_status status = tsio_buf_append(&ws->message, span->data, span->len);
        if (status != TSIO_OK)
            return status;
        ws->message_whole = span->final;
        data = ws->message.data;
        len = ws->message.len;
    }
    if (span->final && span->compressed) {
        const tsio_status status = inflate(conn, data, len, span->opcode == TSIO_WS_TEXT);
        if (status != TSIO_OK)
            return status;
        data = ws->message.data;
        len = ws->message.len;
    }
    if (span->final) {
        event->kind = span->opcode == TSIO_WS_TEXT ? TSIO_CONN_TEXT : TSIO_CONN_BINARY;
        event->data = len > 0 ? data : NOTHING;
        event->len = len;
    }
    return TSIO_OK;
}

static tsio_status handle_data(tsio_conn *conn, double now, const tsio_ws_event *span, tsio_conn_event *event)
{
    const tsio_status status = add_span(conn, span, event);
    if (status != TSIO_OK)
        return status;
    if (event->kind == TSIO_CONN_NEED_MORE) {
        tsio_conn_received(conn, conn->wheel, now, span->len);
        return TSIO_OK;
    }
    if (is_heartbeat_answer(conn, event)) {
        *event = NO_EVENT;
        tsio_conn_ws_free_message(&conn->ws);
        tsio_conn_pong(conn, conn->wheel, now);
    } else if (conn->hb_state != TSIO_HB_WAIT_PING) {
        tsio_conn_heard(conn, conn->wheel, now);
    }
    return TSIO_OK;
}

/* Handles an event of the frame reader, and sets *event if the caller gets one. */
static tsio_status handle(tsio_conn *conn, double now, const tsio_ws_event *frame, tsio_conn_event *event)
{
    switch (frame->kind) {
    case TSIO_WS_EV_DATA:
        return handle_data(conn, now, frame, event);
    case TSIO_WS_EV_PING:
        return queue_pong(conn, frame);
    case TSIO_WS_EV_CLOSE:
        conn->ws.close_received = true;
        *event = (tsio_conn_event){TSIO_CONN_CLOSE, frame->data, frame->len, frame->close_code};
        if (frame->len == 0)
            event->data = NOTHING;
        break;
    case TSIO_WS_EV_PONG:
    case TSIO_WS_EV_NEED_MORE:
        break;
    }
    return TSIO_OK;
}

/* Reads until there is an event or an error, or all input is parsed. */
static tsio_status read_input(tsio_conn *conn, double now, tsio_conn_event *event)
{
    tsio_conn_ws *ws = &conn->ws;
    tsio_status status = TSIO_OK;
    while (status == TSIO_OK && event->kind == TSIO_CONN_NEED_MORE && ws->in_pos < ws->in_len) {
        size_t used;
        tsio_ws_event frame;
        status = tsio_ws_reader_next(&ws->reader, ws->in + ws->in_pos, ws->in_len - ws->in_pos, &used, &frame);
        ws->in_pos += used;
        if (status == TSIO_OK)
            status = handle(conn, now, &frame, event);
    }
    return status;
}

tsio_status tsio_conn_next(tsio_conn *conn, double now, tsio_conn_event *event)
{
    tsio_conn_ws *ws = &conn->ws;
    *event = NO_EVENT;
    if (ws->message_whole)
        tsio_conn_ws_free_message(ws);
    if (!is_over(ws))
        ws->failed = read_input(conn, now, event);
    if (event->kind == TSIO_CONN_NEED_MORE)
        tsio_conn_ws_free_input(ws); /* it is parsed, or is ignored after an error or a close frame */
    if (is_over(ws))
        tsio_conn_ws_free_message(ws);
    return ws->failed;
}
