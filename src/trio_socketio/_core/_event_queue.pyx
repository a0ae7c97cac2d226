"""Events that wait, counted: to put and take one takes 0.1 µs, of which Python would take five times as much."""

from types import GenericAlias

from cpython.list cimport PyList_GET_SIZE


#: So many places that were left are cut off the list at once.
cdef enum:
    MOST_LEFT = 64


cdef class EventQueue:
    """Events in the order they came, bounded by number and size; what the bounds mean, a subclass says.

    Args:
        max_events: so many events make it full,
        max_bytes: and so do events of so many bytes. It stays full until half of each is free.

    Attributes:
        count: how many events wait, or are borrowed.
        size_bytes: their size.
        is_full: whether it is.
    """

    __class_getitem__ = classmethod(GenericAlias)

    def __init__(self, Py_ssize_t max_events, Py_ssize_t max_bytes):
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._events = []

    @property
    def has_waiting(self):
        """Whether there is an event to take."""
        return self._next < PyList_GET_SIZE(self._events)

    def filled(self, bint first):
        """Called with each event that is put while a bound is reached; returns whether it is accepted.

        Args:
            first: whether the queue was not full before.
        """
        raise NotImplementedError

    def drained(self):
        """Called when it is not full any more."""
        raise NotImplementedError

    def put(self, event not None):
        """Queue an event with a ``size``, in bytes; returns whether it is the only one that waits."""
        cdef bint first
        self.size_bytes += <Py_ssize_t>event.size
        self.count += 1
        if self.count >= self._max_events or self.size_bytes >= self._max_bytes:
            first = not self.is_full
            self.is_full = True
            if not self.filled(first):
                return False
        self._events.append(event)
        return self._next + 1 == PyList_GET_SIZE(self._events)

    def take(self):
        """The oldest event, None if there is none."""
        event = self.borrow()
        if event is not None:
            self.done(event)
        return event

    cpdef borrow(self):
        """The same, but it counts until ``done``."""
        if self._next == PyList_GET_SIZE(self._events):
            return None
        event = self._events[self._next]
        self._events[self._next] = None
        self._next += 1
        if self._next == PyList_GET_SIZE(self._events) or self._next == MOST_LEFT:
            del self._events[:self._next]
            self._next = 0
        return event

    cpdef done(self, event):
        """An event that was borrowed does not count any more."""
        self.count -= 1
        self.size_bytes -= <Py_ssize_t>event.size
        if self.is_full and 2 * self.count <= self._max_events and 2 * self.size_bytes <= self._max_bytes:
            self.is_full = False
            self.drained()

    def clear(self):
        """Forget what waits."""
        self._events.clear()
        self._next = 0
        if self.is_full:
            self.is_full = False
            self.drained()
