#include "conn.h"

#include "conn_ws.h"

/* Of an unmasked control frame, whose length is always in its second byte. */
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
    tsio_outbox *outbox = tsio_conn_outbox(conn);
    conn->torn = conn->torn || outbox->head_sent > 0;
    outbox->closed = true;
    tsio_outbox_free(outbox);
}

/* Queues the message in the client's dialect. */
static tsio_status push(tsio_conn *conn, tsio_message *message, uint32_t flags)
{
    if (conn->dialect != NULL)
        message = tsio_message_in(message, conn->dialect);
    if (message == NULL)
        return TSIO_E_NO_MEMORY;
    return tsio_outbox_push(tsio_conn_outbox(conn), message, flags & TSIO_SEND_PROTECTED);
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
    const bool has_pong = ws->pong != NULL || ws->begun != NULL;
    return !ws->close_sent && (has_messages || has_pong || tsio_conn_ws_has_close_frame(ws));
}

/* Where the next pong bytes stand, and how many: none while a message is half sent. */
static const uint8_t *pong_rest(const tsio_conn *conn, size_t *len)
{
    const tsio_conn_ws *ws = &conn->ws;
    const uint8_t *frame = ws->begun != NULL ? ws->begun : conn->outbox.head_sent == 0 ? ws->pong : NULL;
    const size_t sent = ws->begun != NULL ? ws->begun_pos : 0;
    *len = frame == NULL ? 0 : control_frame_len(frame) - sent;
    return frame == NULL ? NULL : frame + sent;
}

/* How many bytes of messages are still to be sent: none once the close frame has begun. */
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

size_t tsio_conn_peek(tsio_conn *conn, uint8_t *dst, size_t cap)
{
    const tsio_conn_ws *ws = &conn->ws;
    const tsio_outbox *outbox = tsio_conn_outbox(conn);
    size_t len;
    if (ws->close_sent)
        return 0;
    const uint8_t *pong = pong_rest(conn, &len);
    size_t copied = copy_at_most(dst, cap, pong, len);
    const size_t queued = messages_rest(conn), room = cap - copied;
    const size_t messages = tsio_outbox_peek_ws(outbox, dst + copied, queued < room ? queued : room);
    copied += messages;
    if (messages == queued && tsio_conn_ws_has_close_frame(ws) && (ws->pong == NULL || pong == ws->pong))
        copied += peek_close_frame(ws, dst + copied, cap - copied);
    return copied;
}

static void advance_pong(tsio_conn *conn, size_t sent)
{
    tsio_conn_ws *ws = &conn->ws;
    if (ws->begun == NULL) {
        ws->begun = ws->pong;
        ws->begun_pos = 0;
        ws->pong = NULL;
    }
    ws->begun_pos = (uint8_t)(ws->begun_pos + sent);
    if (ws->begun_pos == control_frame_len(ws->begun)) {
        tsio_alloc.free(ws->begun);
        ws->begun = NULL;
    }
}

void tsio_conn_advance(tsio_conn *conn, size_t sent)
{
    tsio_conn_ws *ws = &conn->ws;
    size_t len;
    pong_rest(conn, &len);
    const size_t of_pong = sent < len ? sent : len;
    const size_t queued = messages_rest(conn);
    if (of_pong > 0)
        advance_pong(conn, of_pong);
    sent -= of_pong;
    const size_t of_messages = sent < queued ? sent : queued;
    if (of_messages > 0)
        tsio_outbox_advance(&conn->outbox, of_messages);
    sent -= of_messages;
    if (sent == 0)
        return;
    ws->close_pos = (uint8_t)(ws->close_pos + sent);
    if (ws->close_pos < control_frame_len(ws->close_head))
        return;
    ws->close_sent = true;
    tsio_alloc.free(ws->close_reason);
    ws->close_reason = NULL;
}

static tsio_status take_pong(tsio_conn_ws *ws, tsio_buf *dst)
{
    if (ws->pong == NULL)
        return TSIO_OK;
    const tsio_status status = tsio_buf_append(dst, ws->pong, control_frame_len(ws->pong));
    if (status != TSIO_OK)
        return status;
    tsio_alloc.free(ws->pong);
    ws->pong = NULL;
    return TSIO_OK;
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
    tsio_outbox *outbox = tsio_conn_outbox(conn);
    tsio_status status = take_pong(&conn->ws, dst);
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
    tsio_conn_outbox(conn)->closed = true;
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
