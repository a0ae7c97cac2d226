# Mirrors wheel.h.
from trio_socketio._core._base cimport c_bool


cdef extern from "wheel.h" nogil:
    ctypedef struct tsio_wheel_node:
        double deadline
        c_bool linked

    ctypedef struct tsio_wheel:
        size_t count

    void tsio_wheel_init(tsio_wheel *wheel, double tick, double now)
    tsio_wheel_node *tsio_wheel_expire(tsio_wheel *wheel, double now)
    double tsio_wheel_next(tsio_wheel *wheel)


cdef class TimerWheel:
    cdef tsio_wheel _wheel
    cdef double _announced
    cdef public object on_earlier

    cdef int scheduled(self, const tsio_wheel_node *node) except -1
