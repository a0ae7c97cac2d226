# Mirrors rooms.h.
from libc.stdint cimport uint32_t, uint64_t

from trio_socketio._core._base cimport c_bool, tsio_status
from trio_socketio._core._conn_state cimport tsio_conn, tsio_front
from trio_socketio._core._connection cimport Connection
from trio_socketio._core._message cimport tsio_message


cdef extern from "rooms.h" nogil:
    ctypedef struct tsio_room

    ctypedef struct tsio_seat:
        tsio_room *room

    ctypedef struct tsio_member:
        tsio_conn *conn
        tsio_seat *seats
        uint32_t count
        tsio_member *next_full
        void *owner

    ctypedef struct tsio_entry:
        tsio_member *member

    ctypedef struct tsio_room:
        tsio_entry *entries
        uint32_t count
        void *owner

    tsio_status tsio_room_join(tsio_room *room, tsio_member *member)
    c_bool tsio_room_leave(tsio_room *room, tsio_member *member)
    tsio_room *tsio_member_leave_one(tsio_member *member)
    void tsio_member_mute(tsio_member *member)

    ctypedef struct tsio_broadcast:
        uint32_t accepted
        tsio_front *flushed
        tsio_member *full
        tsio_status status

    void tsio_broadcast_init(
        tsio_broadcast *broadcast, tsio_message *message, uint32_t flags, uint64_t epoch
    )
    void tsio_broadcast_skip_room(tsio_broadcast *broadcast, const tsio_room *room)
    void tsio_broadcast_skip_member(tsio_broadcast *broadcast, tsio_member *member)
    void tsio_broadcast_to_room(tsio_broadcast *broadcast, const tsio_room *room)
    void tsio_broadcast_to_member(tsio_broadcast *broadcast, tsio_member *member)
    tsio_conn *tsio_broadcast_next_woken(tsio_broadcast *broadcast)


cdef class Member:
    cdef tsio_member _member
    cdef Connection _connection
    cdef bint _left_own
