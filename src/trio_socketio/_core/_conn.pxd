# Mirrors the parts of buf.h, outbox.h, front.h and conn.h that are used here.
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from trio_socketio._core._base cimport c_bool, tsio_status
from trio_socketio._core._message cimport Dialect, tsio_buf, tsio_dialect, tsio_message
from trio_socketio._core._wheel cimport TimerWheel, tsio_wheel, tsio_wheel_node


cdef extern from "buf.h" nogil:
    void tsio_buf_free(tsio_buf *buf)


cdef extern from "outbox.h" nogil:
    enum:
        TSIO_SEND_PROTECTED
        TSIO_SEND_VOLATILE

    ctypedef enum tsio_policy:
        TSIO_POLICY_DISCONNECT

    ctypedef struct tsio_outbox:
        uint32_t count
        size_t bytes
        uint32_t inflight_packets
        size_t inflight_bytes
        uint32_t max_packets
        size_t max_bytes
        c_bool compressible
        c_bool closed
        uint64_t pushed
        uint64_t confirmed
        uint64_t dropped

    tsio_status tsio_outbox_push(tsio_outbox *outbox, tsio_message *message, uint32_t flags)
    tsio_status tsio_outbox_take_polling(tsio_outbox *outbox, tsio_buf *dst, size_t max_bytes)
    tsio_status tsio_outbox_take_polling3(
        tsio_outbox *outbox, tsio_buf *dst, size_t max_bytes, c_bool *binary
    )
    tsio_status tsio_outbox_put_back(tsio_outbox *outbox)
    void tsio_outbox_confirm(tsio_outbox *outbox)
    void tsio_outbox_free(tsio_outbox *outbox)


cdef extern from "front.h" nogil:
    ctypedef struct tsio_conn

    ctypedef struct tsio_link:
        tsio_link *prev
        tsio_link *next

    ctypedef struct tsio_dirty_lists:
        tsio_link urgent
        tsio_link bulk

    ctypedef struct tsio_front:
        tsio_conn *conn
        c_bool watched


cdef extern from "conn.h" nogil:
    ctypedef enum tsio_timer_kind:
        TSIO_TIMER_NONE
        TSIO_TIMER_PING

    ctypedef enum tsio_hb_state:
        TSIO_HB_PING_QUEUED

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

    ctypedef enum tsio_via:
        TSIO_VIA_POLLING
        TSIO_VIA_STREAM
        TSIO_VIA_REACTOR

    const uint32_t TSIO_NO_SLOT

    ctypedef struct tsio_conn:
        tsio_front *front
        c_bool open
        c_bool blocked
        c_bool paused
        c_bool poll_waits
        c_bool report_pongs
        uint8_t via
        uint32_t slot
        uint32_t volatile_lost
        uint32_t written
        uint32_t hb_ping
        c_bool hb_overdue
        c_bool hb_waited
        c_bool hb_behind
        uint8_t hb_state
        tsio_outbox outbox
        tsio_wheel_node timer
        void *owner
        const tsio_dialect *dialect

    tsio_status tsio_conn_init(
        tsio_conn *conn,
        uint64_t max_message_bytes,
        uint32_t max_fragments,
        uint32_t outbox_max_packets,
        size_t outbox_max_bytes,
        tsio_policy policy,
    )
    void tsio_conn_free(tsio_conn *conn)
    void tsio_conn_detach(tsio_conn *conn, tsio_wheel *wheel)
    tsio_status tsio_conn_feed(tsio_conn *conn, const uint8_t *data, size_t length)
    tsio_status tsio_conn_next(tsio_conn *conn, double now, tsio_conn_event *event)
    void tsio_conn_adopt(tsio_conn *session, tsio_conn *candidate)
    tsio_status tsio_conn_keep(tsio_conn *conn)
    c_bool tsio_conn_has_input(const tsio_conn *conn)
    ctypedef struct tsio_queued:
        uint32_t packets
        size_t bytes

    ctypedef struct tsio_progress:
        uint64_t pushed
        uint64_t confirmed

    tsio_outbox *tsio_conn_leave_fast_path(tsio_conn *conn)
    tsio_queued tsio_conn_queued(const tsio_conn *conn)
    tsio_progress tsio_conn_progress(const tsio_conn *conn)
    void tsio_conn_set_dialect(tsio_conn *conn, const tsio_dialect *dialect)
    void tsio_conn_set_open(tsio_conn *conn, c_bool open)
    tsio_status tsio_conn_send(tsio_conn *conn, tsio_message *message, uint32_t flags)
    void tsio_conn_discard(tsio_conn *conn)
    c_bool tsio_conn_has_room(const tsio_conn *conn, size_t length)
    c_bool tsio_conn_is_writable(const tsio_conn *conn)
    void tsio_conn_mark_dirty(tsio_conn *conn, c_bool urgent)
    c_bool tsio_conn_has_output(const tsio_conn *conn)
    tsio_status tsio_conn_take(tsio_conn *conn, tsio_buf *dst, size_t max_bytes)
    void tsio_conn_close(tsio_conn *conn, uint16_t code, const uint8_t *reason, size_t reason_len)
    void tsio_conn_heartbeat_start(
        tsio_conn *conn, tsio_wheel *wheel, double now, double interval, double timeout
    )
    void tsio_conn_heartbeat_stop(tsio_conn *conn, tsio_wheel *wheel)
    void tsio_conn_heartbeat_suspend(tsio_conn *conn, tsio_wheel *wheel)
    void tsio_conn_heartbeat_resume(tsio_conn *conn, tsio_wheel *wheel, double now)
    void tsio_conn_pong(tsio_conn *conn, tsio_wheel *wheel, double now)
    void tsio_conn_heard(tsio_conn *conn, tsio_wheel *wheel, double now)
    void tsio_conn_received(tsio_conn *conn, tsio_wheel *wheel, double now, size_t length)
    void tsio_conn_pinged(tsio_conn *conn, tsio_wheel *wheel, double now)
    c_bool tsio_conn_written(tsio_conn *conn, double now)
    void tsio_conn_wait_on(tsio_conn *conn, tsio_wheel *wheel, double now, double deadline)
    void tsio_conn_put_off(tsio_wheel *wheel, double now, double seconds)
    void tsio_conn_set_deadline(tsio_conn *conn, tsio_wheel *wheel, double deadline)
    tsio_conn *tsio_conn_expired(tsio_wheel *wheel, double now)
    tsio_timer_kind tsio_conn_on_timer(tsio_conn *conn, tsio_wheel *wheel, double now)


cdef class FlushList:
    cdef tsio_dirty_lists *_lists
    cdef bint _told
    cdef unsigned long _turning  # the thread that runs a turn of the reactor; 0: none
    cdef public object on_dirty

    cdef int poke(self) except -1


cdef class Connection:
    cdef tsio_conn _conn
    cdef TimerWheel _wheel
    cdef FlushList _flush_list
    cdef Dialect _dialect
    cdef bint _is_put_off  # whether it is in a reactor's backlog
    cdef public object owner
    cdef public object transport
    cdef public object observer

    cdef int wake(self) except -1


cdef object decode_event(tsio_status status, const tsio_conn_event *event)
