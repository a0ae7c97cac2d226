# Mirrors wheel.h. Inline functions are compiled into each module that calls them.
cimport cython

from trio_socketio._core._base cimport c_bool


cdef extern from "wheel.h" nogil:
    ctypedef struct tsio_wheel_node:
        double deadline
        c_bool linked

    ctypedef struct tsio_wheel:
        size_t count

    void tsio_wheel_init(tsio_wheel *wheel, double tick, double now)
    void tsio_wheel_free(tsio_wheel *wheel)
    double tsio_wheel_next(tsio_wheel *wheel)


@cython.final
cdef class TimerWheel:
    cdef tsio_wheel _wheel
    cdef double _announced
    cdef unsigned long _thread  # the thread that created the wheel
    cdef public object on_earlier

    cdef inline int scheduled(self, const tsio_wheel_node *node) except -1:
        """Call ``on_earlier`` if this node is due before ``next_deadline``. To be called after scheduling a node."""
        if node.linked and node.deadline < self._announced:
            if self.on_earlier is not None:
                self.on_earlier()
            self._announced = node.deadline
        return 0
