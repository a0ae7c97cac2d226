/* conn_ws.h -- helpers for the WebSocket half of a connection, private to the conn*.c files. */
#ifndef TSIO_CONN_WS_H
#define TSIO_CONN_WS_H

#include "conn.h"

static inline void tsio_conn_ws_free_input(tsio_conn_ws *ws)
{
    tsio_buf_free(&ws->input);
    ws->in = NULL;
    ws->in_len = ws->in_pos = 0;
}

static inline void tsio_conn_ws_free_message(tsio_conn_ws *ws)
{
    tsio_buf_free(&ws->message);
    ws->message_whole = false;
}

static inline bool tsio_conn_ws_has_close_frame(const tsio_conn_ws *ws)
{
    return ws->close_head[0] != 0;
}

#endif
