#include "conn.h"

#include <math.h>

enum { AHEAD = 8 }; /* so many timers before its turn, a connection is fetched from memory */

static const uint8_t NOTHING[1] = {0};
static const tsio_conn_event NO_EVENT = {.kind = TSIO_CONN_NEED_MORE, .data = NOTHING};

tsio_status tsio_conn_init(tsio_conn *conn, uint64_t max_message_bytes, uint32_t max_fragments,
                           uint32_t outbox_max_packets, size_t outbox_max_bytes, tsio_policy policy)
{
    *conn = (tsio_conn){.hb_deadline = INFINITY, .other_deadline = INFINITY, .slot = TSIO_NO_SLOT};
    tsio_ws_reader_init(&conn->ws.reader, max_message_bytes, max_fragments);
    tsio_outbox_init(&conn->outbox, outbox_max_packets, outbox_max_bytes, policy);
    conn->front = tsio_front_new(conn);
    return conn->front != NULL ? TSIO_OK : TSIO_E_NO_MEMORY;
}

static void free_input(tsio_conn_ws *ws)
{
    tsio_buf_free(&ws->input);
    ws->in = NULL;
    ws->in_len = ws->in_pos = 0;
}

static void free_message(tsio_conn_ws *ws)
{
    tsio_buf_free(&ws->message);
    ws->message_whole = false;
}

static void free_websocket(tsio_conn_ws *ws)
{
    free_input(ws);
    free_message(ws);
    tsio_alloc.free(ws->pong);
    tsio_alloc.free(ws->begun);
    tsio_alloc.free(ws->close_reason);
    ws->pong = ws->begun = ws->close_reason = NULL;
}

void tsio_conn_free(tsio_conn *conn)
{
    free_websocket(&conn->ws);
    if (conn->front == NULL)
        return;
    tsio_outbox_free(tsio_conn_outbox(conn));
    tsio_front_unlink(conn->front);
    tsio_front_free(conn->front);
    conn->front = NULL;
}

static bool has_close_frame(const tsio_conn_ws *ws)
{
    return ws->close_head[0] != 0;
}

/* --- timers -------------------------------------------------------------- */

/* Whoever sets a deadline or a heartbeat state has set the wheel. */
static void arm(tsio_conn *conn)
{
    const double deadline = fmin(conn->hb_deadline, conn->other_deadline);
    if (isinf(deadline))
        tsio_wheel_cancel(conn->wheel, &conn->timer);
    else
        tsio_wheel_schedule(conn->wheel, &conn->timer, deadline);
}

static bool is_suspended(const tsio_conn *conn)
{
    return isinf(conn->hb_deadline);
}

/* A pong in WAIT_PING was not asked for. One that comes while we are suspended
 * counts, but the clock stands still until we resume. */
void tsio_conn_pong(tsio_conn *conn, tsio_wheel *wheel, double now)
{
    conn->wheel = wheel;
    if (conn->hb_state != TSIO_HB_WAIT_PONG)
        return;
    conn->hb_state = TSIO_HB_WAIT_PING;
    if (is_suspended(conn))
        return;
    conn->hb_deadline = now + conn->ping_interval;
    arm(conn);
}

void tsio_conn_heartbeat_start(tsio_conn *conn, tsio_wheel *wheel, double now, double interval, double timeout)
{
    conn->wheel = wheel;
    conn->ping_interval = interval;
    conn->ping_timeout = timeout;
    conn->hb_state = TSIO_HB_WAIT_PING;
    conn->hb_deadline = now + interval;
    arm(conn);
}

void tsio_conn_heartbeat_suspend(tsio_conn *conn, tsio_wheel *wheel)
{
    conn->wheel = wheel;
    conn->hb_deadline = INFINITY;
    arm(conn);
}

void tsio_conn_heartbeat_resume(tsio_conn *conn, tsio_wheel *wheel, double now)
{
    conn->wheel = wheel;
    if (conn->hb_state == TSIO_HB_OFF || !is_suspended(conn))
        return;
    conn->hb_deadline = now + (conn->hb_state == TSIO_HB_WAIT_PONG ? conn->ping_timeout : conn->ping_interval);
    arm(conn);
}

void tsio_conn_set_deadline(tsio_conn *conn, tsio_wheel *wheel, double deadline)
{
    conn->wheel = wheel;
    conn->other_deadline = deadline;
    arm(conn);
}

static tsio_timer_kind heartbeat_due(tsio_conn *conn, double now)
{
    if (conn->hb_state == TSIO_HB_WAIT_PING) {
        conn->hb_state = TSIO_HB_WAIT_PONG;
        conn->hb_deadline = now + conn->ping_timeout;
        return TSIO_TIMER_PING;
    }
    conn->hb_state = TSIO_HB_OFF;
    conn->hb_deadline = INFINITY;
    return TSIO_TIMER_PING_TIMEOUT;
}

static tsio_conn *conn_of_timer(tsio_wheel_node *node)
{
    return (tsio_conn *)(void *)((char *)node - offsetof(tsio_conn, timer));
}

tsio_conn *tsio_conn_expired(tsio_wheel *wheel, double now)
{
    tsio_wheel_node *node = tsio_wheel_expire(wheel, now);
    tsio_wheel_node *soon = tsio_wheel_ahead(wheel, AHEAD), *later = tsio_wheel_ahead(wheel, 2 * AHEAD);
    if (soon != NULL)
        __builtin_prefetch(conn_of_timer(soon)->front, 1);
    if (later != NULL) {
        __builtin_prefetch(&conn_of_timer(later)->front, 1);
        __builtin_prefetch(&conn_of_timer(later)->hb_state, 1);
    }
    return node != NULL ? conn_of_timer(node) : NULL;
}

tsio_timer_kind tsio_conn_on_timer(tsio_conn *conn, tsio_wheel *wheel, double now)
{
    tsio_timer_kind kind = TSIO_TIMER_NONE;
    conn->wheel = wheel;
    if (conn->hb_deadline <= now) {
        kind = heartbeat_due(conn, now);
    } else if (conn->other_deadline <= now) {
        conn->other_deadline = INFINITY;
        kind = TSIO_TIMER_DEADLINE;
    }
    arm(conn);
    return kind;
}

void tsio_conn_detach(tsio_conn *conn, tsio_wheel *wheel)
{
    tsio_wheel_cancel(wheel, &conn->timer);
    conn->wheel = NULL;
    conn->hb_state = TSIO_HB_OFF;
    conn->hb_deadline = conn->other_deadline = INFINITY;
}

/* --- inbound ------------------------------------------------------------- */

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
    free_input(ws);
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

static tsio_status set_pong(tsio_conn_ws *ws, const tsio_ws_event *ping)
{
    uint8_t header[10];
    if (ws->close_sent || ws->close_pos > 0)
        return TSIO_OK;
    const size_t header_len = tsio_ws_header_build(header, TSIO_WS_PONG, ping->len);
    uint8_t *pong = tsio_alloc.realloc(ws->pong, header_len + ping->len);
    if (pong == NULL)
        return TSIO_E_NO_MEMORY;
    memcpy(pong, header, header_len);
    memcpy(pong + header_len, ping->data, ping->len);
    ws->pong = pong;
    return TSIO_OK;
}

static bool is_heartbeat_answer(const tsio_conn *conn, const tsio_conn_event *event)
{
    return conn->hb_state != TSIO_HB_OFF && event->kind == TSIO_CONN_TEXT && event->len == 1 && event->data[0] == '3';
}

/* One span of a message; *event is the message once it is whole. */
static tsio_status add_span(tsio_conn_ws *ws, const tsio_ws_event *span, tsio_conn_event *event)
{
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
    if (span->final) {
        event->kind = span->opcode == TSIO_WS_TEXT ? TSIO_CONN_TEXT : TSIO_CONN_BINARY;
        event->data = len > 0 ? data : NOTHING;
        event->len = len;
    }
    return TSIO_OK;
}

static tsio_status handle_data(tsio_conn *conn, double now, const tsio_ws_event *span, tsio_conn_event *event)
{
    const tsio_status status = add_span(&conn->ws, span, event);
    if (status == TSIO_OK && is_heartbeat_answer(conn, event)) {
        *event = NO_EVENT;
        free_message(&conn->ws);
        tsio_conn_pong(conn, conn->wheel, now);
    }
    return status;
}

/* What the reader gave, as an event of ours or as none. */
static tsio_status handle(tsio_conn *conn, double now, const tsio_ws_event *frame, tsio_conn_event *event)
{
    switch (frame->kind) {
    case TSIO_WS_EV_DATA:
        return handle_data(conn, now, frame, event);
    case TSIO_WS_EV_PING:
        tsio_conn_outbox(conn); /* what waits is no longer all there is */
        return set_pong(&conn->ws, frame);
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

/* Reads on until there is an event, an error, or nothing left. */
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
        free_message(ws);
    if (!is_over(ws))
        ws->failed = read_input(conn, now, event);
    if (event->kind == TSIO_CONN_NEED_MORE)
        free_input(ws); /* all of it was parsed, or will never be */
    if (is_over(ws))
        free_message(ws);
    return ws->failed;
}

void tsio_conn_adopt(tsio_conn *session, tsio_conn *candidate)
{
    tsio_outbox *outbox = tsio_conn_outbox(session);
    free_websocket(&session->ws);
    session->ws = candidate->ws;
    candidate->ws = (tsio_conn_ws){0};
    tsio_ws_reader_init(&candidate->ws.reader, session->ws.reader.max_message_bytes, session->ws.reader.max_fragments);
    if (has_close_frame(&session->ws))
        outbox->closed = true;
}

/* --- plain or not (see front.h) ------------------------------------------- */

tsio_outbox *tsio_conn_outbox(tsio_conn *conn)
{
    tsio_front *front = conn->front;
    if (front->plain) {
        tsio_outbox_catch_up(&conn->outbox, front->passed, front->waiting,
                             front->is_protected ? TSIO_SEND_PROTECTED : 0);
        front->waiting = NULL;
        front->passed = 0;
        front->plain = false;
    }
    return &conn->outbox;
}

tsio_queued tsio_conn_queued(const tsio_conn *conn)
{
    const tsio_message *waiting = conn->front->waiting;
    if (waiting != NULL) /* then it is plain, and the outbox is empty */
        return (tsio_queued){1, tsio_message_bytes(waiting)};
    return (tsio_queued){conn->outbox.count, conn->outbox.bytes};
}

void tsio_conn_settle(tsio_conn *conn)
{
    if (conn->front->plain)
        return;
    const tsio_outbox *outbox = &conn->outbox;
    const bool is_idle = outbox->inflight_packets == 0 && !outbox->closed && !tsio_conn_has_output(conn);
    conn->front->plain = is_idle && conn->open && conn->via == TSIO_VIA_REACTOR && tsio_conn_is_writable(conn);
}

void tsio_conn_set_open(tsio_conn *conn, bool open)
{
    tsio_conn_outbox(conn);
    conn->open = open;
}

/* --- outbound ------------------------------------------------------------ */

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

tsio_status tsio_conn_send(tsio_conn *conn, tsio_message *message, uint32_t flags)
{
    if (tsio_front_put(conn->front, message, flags))
        return TSIO_OK;
    if (!conn->open)
        return TSIO_E_DROPPED;
    const bool is_volatile = (flags & TSIO_SEND_VOLATILE) != 0;
    tsio_status status = TSIO_E_DROPPED;
    if (!is_volatile || tsio_conn_is_writable(conn))
        status = tsio_outbox_push(tsio_conn_outbox(conn), message, flags & TSIO_SEND_PROTECTED);
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
    return !ws->close_sent && (has_messages || ws->pong != NULL || ws->begun != NULL || has_close_frame(ws));
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
    if (messages == queued && has_close_frame(ws) && (ws->pong == NULL || pong == ws->pong))
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
    if (status == TSIO_OK && outbox->count == 0 && has_close_frame(&conn->ws))
        status = take_close_frame(&conn->ws, dst);
    return dst->len > before ? TSIO_OK : status;
}

void tsio_conn_close(tsio_conn *conn, uint16_t code, const uint8_t *reason, size_t reason_len)
{
    tsio_conn_ws *ws = &conn->ws;
    const size_t head_len = sizeof ws->close_head;
    uint8_t frame[127] = {0};
    if (has_close_frame(ws))
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
