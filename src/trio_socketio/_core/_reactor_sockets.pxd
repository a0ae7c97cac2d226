# Mirrors reactor.h: the epoll instance and its sockets.
from libc.stdint cimport uint8_t, uint32_t

from trio_socketio._core._base cimport c_bool, tsio_status
from trio_socketio._core._conn_state cimport FlushList, tsio_conn, tsio_dirty_lists
from trio_socketio._core._connection cimport Connection


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

    tsio_status tsio_reactor_init(tsio_reactor *reactor)
    void tsio_reactor_free(tsio_reactor *reactor)
    tsio_status tsio_reactor_add(tsio_reactor *reactor, tsio_conn *conn, int fd)
    void tsio_reactor_remove(tsio_reactor *reactor, tsio_conn *conn)
    void tsio_reactor_move(tsio_reactor *reactor, tsio_conn *source, tsio_conn *target)
    tsio_status tsio_reactor_resume(tsio_reactor *reactor, tsio_conn *conn)
    void tsio_reactor_shutdown(tsio_reactor *reactor, tsio_conn *conn)
    uint32_t tsio_reactor_generation(const tsio_reactor *reactor, const tsio_conn *conn)
    void tsio_reactor_begin_round(tsio_reactor *reactor)
    c_bool tsio_reactor_in_round(const tsio_reactor *reactor)
    c_bool tsio_reactor_has_dirty(const tsio_reactor *reactor)


cdef class ReactorSockets:
    cdef tsio_reactor _reactor
    cdef FlushList _flush_list
    cdef list _backlog  # (slot, generation) of connections with unparsed input, for which epoll reports no event
    cdef object _ended  # of connections whose ends are not reported yet: (slot, generation) to errno of a write, or 0
    cdef int _packets_per_turn
    cdef double _turn_seconds

    cdef void _free(self) noexcept
    cdef void _remove(self, Connection connection) noexcept
    cdef int _put_off(self, tsio_conn *conn) except -1
