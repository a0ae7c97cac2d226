# Mirrors reactor.h.
from libc.stdint cimport uint8_t, uint32_t

from trio_socketio._core._base cimport c_bool, tsio_status
from trio_socketio._core._conn cimport tsio_conn, tsio_dirty_lists, tsio_front, tsio_link


cdef extern from "reactor.h" nogil:
    enum:
        TSIO_READY_EVENTS

    ctypedef struct tsio_slot:
        tsio_conn *conn
        int fd

    ctypedef struct tsio_reactor:
        tsio_slot *slots
        uint32_t cap
        int epoll_fd
        tsio_dirty_lists dirty
        uint32_t count
        uint8_t *buffer
        double now
        uint32_t ready_count
        uint32_t ready_next

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

    tsio_status tsio_reactor_init(tsio_reactor *reactor)
    void tsio_reactor_free(tsio_reactor *reactor)
    tsio_status tsio_reactor_add(tsio_reactor *reactor, tsio_conn *conn, int fd)
    void tsio_reactor_remove(tsio_reactor *reactor, tsio_conn *conn)
    void tsio_reactor_move(tsio_reactor *reactor, tsio_conn *source, tsio_conn *target)
    tsio_status tsio_reactor_resume(tsio_reactor *reactor, tsio_conn *conn)
    void tsio_reactor_shutdown(tsio_reactor *reactor, tsio_conn *conn)
    uint32_t tsio_reactor_begin_pass(tsio_reactor *reactor)
    c_bool tsio_reactor_next(tsio_reactor *reactor, tsio_ready *ready)
    tsio_conn *tsio_reactor_conn(const tsio_reactor *reactor, uint32_t slot, uint32_t generation)
    uint32_t tsio_reactor_generation(const tsio_reactor *reactor, const tsio_conn *conn)
    void tsio_reactor_end_pass(tsio_reactor *reactor)
    tsio_io_status tsio_reactor_hang_up(const tsio_reactor *reactor, const tsio_conn *conn)
    tsio_io_status tsio_reactor_read(tsio_reactor *reactor, tsio_conn *conn)
    tsio_io_status tsio_reactor_flush(tsio_reactor *reactor, tsio_front *front)
    tsio_front *tsio_reactor_next_dirty(tsio_reactor *reactor, tsio_link *list)
    void tsio_reactor_begin_round(tsio_reactor *reactor)
    c_bool tsio_reactor_in_round(const tsio_reactor *reactor)
    c_bool tsio_reactor_has_dirty(const tsio_reactor *reactor)
    void tsio_reactor_unblock(tsio_conn *conn)
