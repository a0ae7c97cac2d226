"""The timer wheel, over ``csrc/wheel.h``. ``expire_timers`` in ``_connection`` returns the timers that are due."""

from cpython.pythread cimport PyThread_get_thread_ident
from libc.math cimport INFINITY


cdef class TimerWheel:
    """The timers of all sessions.

    Args:
        now: the current time, in seconds.
        tick: the width of a slot, in seconds; deadlines are exact.

    Attributes:
        on_earlier: called when a deadline is set that is earlier than the last result of ``next_deadline``.
    """

    def __cinit__(self, double now, double tick=1 / 16):
        tsio_wheel_init(&self._wheel, tick, now)
        self._announced = -1.0
        self._thread = PyThread_get_thread_ident()

    def __dealloc__(self):
        tsio_wheel_free(&self._wheel)

    def __len__(self):
        return self._wheel.count

    def next_deadline(self):
        """Return a time before which nothing expires; infinity: there is no deadline."""
        self._announced = tsio_wheel_next(&self._wheel)
        return self._announced

    @property
    def expected(self):
        """The time of the first deadline, as of the last ``next_deadline`` or ``on_earlier``; infinity: none."""
        return self._announced if self._announced >= 0 else INFINITY
