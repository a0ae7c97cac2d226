# Mirrors the timers in conn.h.
from trio_socketio._core._conn_state cimport ConnectionState, tsio_conn, tsio_conn_detach, tsio_conn_leave_fast_path
from trio_socketio._core._wheel cimport tsio_wheel


cdef extern from "conn.h" nogil:
    ctypedef enum tsio_hb_state:
        TSIO_HB_PING_QUEUED

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
    void tsio_conn_wait_on(tsio_conn *conn, tsio_wheel *wheel, double now, double deadline)
    void tsio_conn_set_deadline(tsio_conn *conn, tsio_wheel *wheel, double deadline)


cdef class ConnectionTimers(ConnectionState):
    pass
