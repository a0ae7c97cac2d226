#include "conn.h"

#include "conn_ws.h"

/* Returns the length of an unmasked control frame. Its payload length is always in its second byte. */
static size_t control_frame_len(const uint8_t *frame)
{
    return 2 + (size_t)frame[1];
}

bool tsio_conn_is_writable(const tsio_conn *conn)
{
    switch ((tsio_via)conn->via) {
    case TSIO_VIA_POLLING:
        return conn->poll_waits;
    case TSIO_VIA_STREAM:
        return conn->outbox.inflight_bytes == 0;
    case TSIO_VIA_REACTOR:
        break;
    }
    return !conn->blocked && !conn->torn;
}

void tsio_conn_discard(tsio_conn *conn)
{
    tsio_outbox *outbox = tsio_conn_leave_fast_path(conn);
    conn->torn = conn->torn || outbox->head_sent > 0;
    outbox->closed = true;
    tsio_outbox_free(outbox);
}

/* Queues the form of the message for the client's dialect. */
static tsio_status push(tsio_conn *conn, tsio_message *message, uint32_t flags)
{
    if (conn->dialect != NULL)
        message = tsio_message_in(message, conn->dialect);
    if (message == NULL)
        return TSIO_E_NO_MEMORY;
    return tsio_outbox_push(tsio_conn_leave_fast_path(conn), message, flags & TSIO_SEND_PROTECTED);
}

tsio_status tsio_conn_send(tsio_conn *conn, tsio_message *message, uint32_t flags)
{
    if (tsio_front_put(conn->front, message, flags))
        return TSIO_OK;
    if (!conn->open)
        return TSIO_E_DROPPED;
    const bool is_volatile = (flags & TSIO_SEND_VOLATILE) != 0;
    tsio_status status = TSIO_E_DROPPED;
    if (!is_volatile || tsio_conn_is_writable(conn))
        status = push(conn, message, flags);
    if (status == TSIO_OK)
        tsio_conn_mark_dirty(conn, (flags & TSIO_SEND_BULK) == 0);
    if (!is_volatile || status == TSIO_OK || status == TSIO_E_NO_MEMORY)
        return status;
    conn->volatile_lost++;
    return TSIO_E_DROPPED;
}

void tsio_conn_mark_dirty(tsio_conn *conn, bool urgent)
{
    if (!conn->blocked)
        tsio_front_mark(conn->front, urgent);
}

bool tsio_conn_has_output(const tsio_conn *conn)
{
    const tsio_conn_ws *ws = &conn->ws;
    const bool has_messages = conn->outbox.count > 0 || conn->front->waiting != NULL;
    return !ws->close_sent && (has_messages || ws->pongs != NULL || tsio_conn_ws_has_close_frame(ws));
}

/* Returns how many bytes of a half-sent message must be sent before the pongs; 0 if there is none, or no pong waits. */
static size_t before_pongs(const tsio_conn *conn)
{
    const tsio_outbox *outbox = &conn->outbox;
    return conn->ws.pongs != NULL && outbox->head_sent > 0 ? tsio_outbox_head_rest(outbox) : 0;
}

/* Returns how many bytes of messages are still to be sent; 0 once the close frame has begun. */
static size_t messages_rest(const tsio_conn *conn)
{
    return conn->ws.close_pos > 0 ? 0 : conn->outbox.bytes - conn->outbox.head_sent;
}

static size_t copy_at_most(uint8_t *dst, size_t cap, const uint8_t *src, size_t len)
{
    const size_t count = len < cap ? len : cap;
    if (count > 0)
        memcpy(dst, src, count);
    return count;
}

static size_t peek_close_frame(const tsio_conn_ws *ws, uint8_t *dst, size_t cap)
{
    uint8_t frame[127];
    const size_t len = control_frame_len(ws->close_head), head_len = sizeof ws->close_head;
    memcpy(frame, ws->close_head, head_len);
    if (len > head_len)
        memcpy(frame + head_len, ws->close_reason, len - head_len);
    return copy_at_most(dst, cap, frame + ws->close_pos, len - ws->close_pos);
}

static size_t peek_pongs(const tsio_conn_ws *ws, uint8_t *dst, size_t cap)
{
    size_t len;
    const uint8_t *frames = tsio_pongs_rest(ws->pongs, &len);
    return copy_at_most(dst, cap, frames, len);
}

size_t tsio_conn_peek(tsio_conn *conn, uint8_t *dst, size_t cap)
{
    const tsio_conn_ws *ws = &conn->ws;
    const tsio_outbox *outbox = tsio_conn_leave_fast_path(conn);
    if (ws->close_sent)
        return 0;
    const size_t cut = before_pongs(conn);
    if (cut > 0) { /* copies only this message and the pongs; the next peek copies other messages */
        const size_t copied = tsio_outbox_peek_ws(outbox, dst, cut < cap ? cut : cap);
        return copied + peek_pongs(ws, dst + copied, cap - copied);
    }
    size_t copied = peek_pongs(ws, dst, cap);
    const size_t queued = messages_rest(conn), room = cap - copied;
    const size_t messages = tsio_outbox_peek_ws(outbox, dst + copied, queued < room ? queued : room);
    copied += messages;
    if (messages == queued && tsio_conn_ws_has_close_frame(ws))
        copied += peek_close_frame(ws, dst + copied, cap - copied);
    return copied;
}

static size_t advance_messages(tsio_conn *conn, size_t sent, size_t at_most)
{
    const size_t len = sent < at_most ? sent : at_most;
    if (len > 0)
        tsio_outbox_advance(&conn->outbox, len);
    return len;
}

static size_t advance_pongs(tsio_conn_ws *ws, size_t sent)
{
    size_t waiting;
    tsio_pongs_rest(ws->pongs, &waiting);
    const size_t len = sent < waiting ? sent : waiting;
    tsio_pongs_advance(&ws->pongs, len);
    return len;
}

void tsio_conn_advance(tsio_conn *conn, size_t sent)
{
    tsio_conn_ws *ws = &conn->ws;
    sent -= advance_messages(conn, sent, before_pongs(conn));
    sent -= advance_pongs(ws, sent);
    sent -= advance_messages(conn, sent, messages_rest(conn));
    if (sent == 0)
        return;
    ws->close_pos = (uint8_t)(ws->close_pos + sent);
    if (ws->close_pos < control_frame_len(ws->close_head))
        return;
    ws->close_sent = true;
    tsio_alloc.free(ws->close_reason);
    ws->close_reason = NULL;
}

static tsio_status take_pongs(tsio_conn_ws *ws, tsio_buf *dst)
{
    size_t len;
    const uint8_t *frames = tsio_pongs_rest(ws->pongs, &len);
    const tsio_status status = tsio_buf_append(dst, frames, len);
    if (status == TSIO_OK)
        tsio_pongs_free(&ws->pongs);
    return status;
}

static tsio_status take_close_frame(tsio_conn_ws *ws, tsio_buf *dst)
{
    const size_t len = control_frame_len(ws->close_head);
    const size_t head_len = len < sizeof ws->close_head ? len : sizeof ws->close_head;
    const tsio_status status = tsio_buf_reserve(dst, len);
    if (status != TSIO_OK)
        return status;
    /* There is room for both. */
    tsio_buf_append(dst, ws->close_head, head_len);
    tsio_buf_append(dst, ws->close_reason, len - head_len);
    tsio_alloc.free(ws->close_reason);
    ws->close_reason = NULL;
    ws->close_sent = true;
    return TSIO_OK;
}

tsio_status tsio_conn_take(tsio_conn *conn, tsio_buf *dst, size_t max_bytes)
{
    if (conn->ws.close_sent)
        return TSIO_OK;
    const size_t before = dst->len;
    tsio_outbox *outbox = tsio_conn_leave_fast_path(conn);
    tsio_status status = take_pongs(&conn->ws, dst);
    if (status == TSIO_OK)
        status = tsio_outbox_take_ws(outbox, dst, max_bytes);
    if (status == TSIO_OK && outbox->count == 0 && tsio_conn_ws_has_close_frame(&conn->ws))
        status = take_close_frame(&conn->ws, dst);
    return dst->len > before ? TSIO_OK : status;
}

void tsio_conn_close(tsio_conn *conn, uint16_t code, const uint8_t *reason, size_t reason_len)
{
    tsio_conn_ws *ws = &conn->ws;
    const size_t head_len = sizeof ws->close_head;
    uint8_t frame[127] = {0};
    if (tsio_conn_ws_has_close_frame(ws))
        return;
    tsio_conn_leave_fast_path(conn)->closed = true;
    const size_t len = tsio_ws_close_build(frame, code, reason, reason_len);
    if (len > head_len) {
        ws->close_reason = tsio_alloc.realloc(NULL, len - head_len);
        if (ws->close_reason != NULL)
            memcpy(ws->close_reason, frame + head_len, len - head_len);
        else
            tsio_ws_close_build(frame, code, NULL, 0);
    }
    memcpy(ws->close_head, frame, head_len);
}
