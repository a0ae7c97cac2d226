# Mirrors reactor.h: reading and writing.
from libc.stdint cimport uint32_t

from trio_socketio._core._base cimport c_bool
from trio_socketio._core._conn_state cimport tsio_conn, tsio_front, tsio_link
from trio_socketio._core._reactor_sockets cimport tsio_reactor


cdef extern from "reactor.h" nogil:
    ctypedef struct tsio_ready:
        uint32_t slot
        uint32_t generation
        c_bool readable
        c_bool writable
        c_bool hung_up

    ctypedef enum tsio_io_status:
        TSIO_IO_OK
        TSIO_IO_WAIT
        TSIO_IO_MORE
        TSIO_IO_EOF
        TSIO_IO_BROKEN

    uint32_t tsio_reactor_begin_pass(tsio_reactor *reactor)
    c_bool tsio_reactor_next(tsio_reactor *reactor, tsio_ready *ready)
    tsio_conn *tsio_reactor_conn(const tsio_reactor *reactor, uint32_t slot, uint32_t generation)
    void tsio_reactor_end_pass(tsio_reactor *reactor)
    tsio_io_status tsio_reactor_hang_up(const tsio_reactor *reactor, const tsio_conn *conn)
    tsio_io_status tsio_reactor_read(tsio_reactor *reactor, tsio_conn *conn)
    tsio_io_status tsio_reactor_flush(tsio_reactor *reactor, tsio_front *front)
    tsio_front *tsio_reactor_next_dirty(tsio_reactor *reactor, tsio_link *list)
    void tsio_reactor_unblock(tsio_conn *conn)
