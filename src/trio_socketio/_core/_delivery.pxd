# Mirrors delivery.h.
from libc.stdint cimport uint32_t, uint64_t

from trio_socketio._core._base cimport c_bool, tsio_status


cdef extern from "delivery.h" nogil:
    ctypedef struct tsio_delivery:
        uint64_t acknowledged
        uint32_t outstanding
        uint32_t quiet_ms
        c_bool is_tcp

    tsio_status tsio_delivery_of(int fd, tsio_delivery *delivery)
