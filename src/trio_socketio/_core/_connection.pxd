# Mirrors input and output in buf.h, outbox.h and conn.h.
from libc.stdint cimport uint8_t, uint16_t, uint32_t

from trio_socketio._core._base cimport c_bool, tsio_status
from trio_socketio._core._conn_state cimport tsio_conn, tsio_outbox
from trio_socketio._core._conn_timers cimport ConnectionTimers
from trio_socketio._core._message cimport tsio_buf, tsio_message
from trio_socketio._core._wheel cimport tsio_wheel


cdef extern from "buf.h" nogil:
    void tsio_buf_free(tsio_buf *buf)


cdef extern from "outbox.h" nogil:
    enum:
        TSIO_SEND_PROTECTED
        TSIO_SEND_VOLATILE

    tsio_status tsio_outbox_push(tsio_outbox *outbox, tsio_message *message, uint32_t flags)
    tsio_status tsio_outbox_take_polling(tsio_outbox *outbox, tsio_buf *dst, size_t max_bytes)
    tsio_status tsio_outbox_take_polling3(
        tsio_outbox *outbox, tsio_buf *dst, size_t max_bytes, c_bool *binary
    )
    tsio_status tsio_outbox_put_back(tsio_outbox *outbox)
    void tsio_outbox_confirm(tsio_outbox *outbox)


cdef extern from "conn.h" nogil:
    ctypedef enum tsio_timer_kind:
        TSIO_TIMER_NONE
        TSIO_TIMER_PING

    ctypedef enum tsio_conn_event_kind:
        TSIO_CONN_NEED_MORE
        TSIO_CONN_TEXT
        TSIO_CONN_BINARY
        TSIO_CONN_CLOSE

    ctypedef struct tsio_conn_event:
        tsio_conn_event_kind kind
        const uint8_t *data
        size_t len
        uint16_t close_code

    tsio_status tsio_conn_feed(tsio_conn *conn, const uint8_t *data, size_t length)
    tsio_status tsio_conn_next(tsio_conn *conn, double now, tsio_conn_event *event)
    tsio_status tsio_conn_keep(tsio_conn *conn)
    c_bool tsio_conn_has_input(const tsio_conn *conn)
    void tsio_conn_adopt(tsio_conn *session, tsio_conn *candidate)
    tsio_status tsio_conn_send(tsio_conn *conn, tsio_message *message, uint32_t flags)
    void tsio_conn_discard(tsio_conn *conn)
    void tsio_conn_mark_dirty(tsio_conn *conn, c_bool urgent)
    tsio_status tsio_conn_take(tsio_conn *conn, tsio_buf *dst, size_t max_bytes)
    c_bool tsio_conn_written(tsio_conn *conn, double now)
    void tsio_conn_close(tsio_conn *conn, uint16_t code, const uint8_t *reason, size_t reason_len)
    void tsio_conn_put_off(tsio_wheel *wheel, double now, double seconds)
    tsio_conn *tsio_conn_expired(tsio_wheel *wheel, double now)
    tsio_timer_kind tsio_conn_on_timer(tsio_conn *conn, tsio_wheel *wheel, double now)


cdef class Connection(ConnectionTimers):
    cdef bint _is_put_off  # whether it is in a reactor's backlog
    cdef public object owner
    cdef public object transport
    cdef public object observer

    cdef int wake(self) except -1


cdef object decode_event(tsio_status status, const tsio_conn_event *event)
