# Mirrors outbox.h and front.h, and the state in conn.h.
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from trio_socketio._core._base cimport c_bool, tsio_status
from trio_socketio._core._message cimport Dialect, tsio_dialect
from trio_socketio._core._wheel cimport TimerWheel, tsio_wheel, tsio_wheel_node


cdef extern from "outbox.h" nogil:
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

    ctypedef struct tsio_queued:
        uint32_t packets
        size_t bytes

    ctypedef struct tsio_progress:
        uint64_t pushed
        uint64_t confirmed

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
    void tsio_conn_set_dialect(tsio_conn *conn, const tsio_dialect *dialect)
    void tsio_conn_set_open(tsio_conn *conn, c_bool open)
    tsio_outbox *tsio_conn_leave_fast_path(tsio_conn *conn)
    tsio_queued tsio_conn_queued(const tsio_conn *conn)
    tsio_progress tsio_conn_progress(const tsio_conn *conn)
    c_bool tsio_conn_is_writable(const tsio_conn *conn)
    c_bool tsio_conn_has_output(const tsio_conn *conn)


cdef class FlushList:
    cdef tsio_dirty_lists *_lists
    cdef bint _told
    cdef unsigned long _turning  # the thread that runs a turn of the reactor; 0: none
    cdef public object on_dirty

    cdef int poke(self) except -1


cdef class ConnectionState:
    cdef tsio_conn _conn
    cdef TimerWheel _wheel
    cdef FlushList _flush_list
    cdef Dialect _dialect
