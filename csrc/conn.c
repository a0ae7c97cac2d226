#include "conn.h"

#include <math.h>

#include "conn_ws.h"

tsio_status tsio_conn_init(tsio_conn *conn, uint64_t max_message_bytes, uint32_t max_fragments,
                           uint32_t outbox_max_packets, size_t outbox_max_bytes, tsio_policy policy)
{
    *conn = (tsio_conn){.hb_deadline = INFINITY, .ping_at = INFINITY, .other_deadline = INFINITY, .slot = TSIO_NO_SLOT};
    tsio_ws_reader_init(&conn->ws.reader, max_message_bytes, max_fragments);
    tsio_outbox_init(&conn->outbox, outbox_max_packets, outbox_max_bytes, policy);
    conn->front = tsio_front_new(conn);
    return conn->front != NULL ? TSIO_OK : TSIO_E_NO_MEMORY;
}

static void free_websocket(tsio_conn_ws *ws)
{
    tsio_conn_ws_free_input(ws);
    tsio_conn_ws_free_message(ws);
    tsio_pongs_free(&ws->pongs);
    tsio_alloc.free(ws->close_reason);
    ws->close_reason = NULL;
}

void tsio_conn_free(tsio_conn *conn)
{
    free_websocket(&conn->ws);
    if (conn->front == NULL)
        return;
    tsio_outbox_free(tsio_conn_leave_fast_path(conn));
    tsio_front_unlink(conn->front);
    tsio_front_free(conn->front);
    conn->front = NULL;
}

void tsio_conn_adopt(tsio_conn *session, tsio_conn *candidate)
{
    tsio_outbox *outbox = tsio_conn_leave_fast_path(session);
    free_websocket(&session->ws);
    session->ws = candidate->ws;
    session->dialect = candidate->dialect;
    candidate->ws = (tsio_conn_ws){0};
    tsio_ws_reader_init(&candidate->ws.reader, session->ws.reader.max_message_bytes, session->ws.reader.max_fragments);
    if (tsio_conn_ws_has_close_frame(&session->ws))
        outbox->closed = true;
}

/* --- fast path ------------------------------------------------------------- */

tsio_outbox *tsio_conn_leave_fast_path(tsio_conn *conn)
{
    tsio_front *front = conn->front;
    if (front->on_fast_path) {
        tsio_outbox_catch_up(&conn->outbox, front->uncounted, front->waiting,
                             front->is_protected ? TSIO_SEND_PROTECTED : 0);
        front->waiting = NULL;
        front->uncounted = 0;
        front->on_fast_path = false;
        tsio_conn_written(conn, NAN); /* a ping may have left from the front */
    }
    return &conn->outbox;
}

tsio_queued tsio_conn_queued(const tsio_conn *conn)
{
    const tsio_message *waiting = conn->front->waiting;
    if (waiting != NULL) /* on the fast path, so the outbox is empty */
        return (tsio_queued){1, tsio_message_bytes(waiting)};
    return (tsio_queued){conn->outbox.count, conn->outbox.bytes};
}

tsio_progress tsio_conn_progress(const tsio_conn *conn)
{
    const tsio_front *front = conn->front;
    const uint64_t waiting = front->waiting != NULL ? 1 : 0;
    return (tsio_progress){
        .pushed = conn->outbox.pushed + front->uncounted + waiting,
        .confirmed = conn->outbox.confirmed + front->uncounted,
    };
}

void tsio_conn_try_fast_path(tsio_conn *conn)
{
    if (conn->front->on_fast_path)
        return;
    const tsio_outbox *outbox = &conn->outbox;
    const bool is_idle = outbox->inflight_packets == 0 && !outbox->closed && !tsio_conn_has_output(conn);
    conn->front->on_fast_path = is_idle && conn->open && conn->dialect == NULL && conn->via == TSIO_VIA_REACTOR &&
                         tsio_conn_is_writable(conn);
}

void tsio_conn_set_dialect(tsio_conn *conn, const tsio_dialect *dialect)
{
    tsio_conn_leave_fast_path(conn);
    conn->dialect = dialect;
    conn->ws.reader.deflate = dialect != NULL && dialect->deflate != NULL;
}

void tsio_conn_set_open(tsio_conn *conn, bool open)
{
    tsio_conn_leave_fast_path(conn);
    conn->open = open;
}
