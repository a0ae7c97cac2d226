"""A bounded queue of messages for other servers. To put one takes 0.05 µs, and three times as long in Python."""

from cpython.bytes cimport PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE


cdef Py_ssize_t _size_of(object message) except -1:
    return PyBytes_GET_SIZE(<bytes?>(<tuple?>message)[1])


cdef class OutgoingQueue:
    """A queue of messages, pairs of channel and content, that is bounded in messages and in bytes.

    Messages that were taken count until they are released. A message that is larger than the bound is accepted if the
    queue is empty.

    Args:
        max_packets: how many messages it holds.
        max_bytes: how many bytes it holds.
        filled: called when a message is put into a queue without messages to take.

    Attributes:
        packets: the number of messages in it.
        size_bytes: their size.
        waiting: the messages that wait for room, kept by the subclass. While there are any, ``put`` appends nothing.
    """

    def __init__(self, Py_ssize_t max_packets, Py_ssize_t max_bytes, filled not None):
        self.waiting = {}
        self._max_packets = max_packets
        self._max_bytes = max_bytes
        self._filled = filled
        self._left = []

    @property
    def untaken(self):
        """How many messages can be taken."""
        return PyList_GET_SIZE(self._left)

    def has_room(self, Py_ssize_t size, Py_ssize_t factor=1):
        """Return whether there is room for a message of this size, or would be if the bounds were multiplied."""
        if not self.packets:
            return True
        return self.packets < factor * self._max_packets and self.size_bytes + size <= factor * self._max_bytes

    def put(self, str channel not None, bytes payload not None):
        """Append a message if there is room and no message waits for room; return whether it was appended."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(payload)
        if self.packets and (
            self.waiting or self.packets >= self._max_packets or self.size_bytes + size > self._max_bytes
        ):  # if the queue is empty, no message waits for room
            return False
        self._append((channel, payload))
        return True

    def add(self, tuple message not None):
        """Append a message without regard to the bounds."""
        self._append(message)

    cdef int _append(self, tuple message) except -1:
        cdef Py_ssize_t size = _size_of(message)
        self._left.append(message)
        self.packets += 1
        self.size_bytes += size
        self._left_bytes += size
        if PyList_GET_SIZE(self._left) == 1:
            self._filled()
        return 0

    def take_some(self, Py_ssize_t max_packets, Py_ssize_t max_bytes):
        """Take the oldest messages, within these bounds, but at least one if there is any."""
        cdef list taken = self._left
        cdef Py_ssize_t size = 0
        cdef Py_ssize_t count = 0
        if PyList_GET_SIZE(taken) <= max_packets and self._left_bytes <= max_bytes:
            self._left = []
            self._left_bytes = 0
            return taken
        while count < max_packets and count < PyList_GET_SIZE(taken):
            size += _size_of(<object>PyList_GET_ITEM(taken, count))
            if count and size > max_bytes:
                size -= _size_of(<object>PyList_GET_ITEM(taken, count))
                break
            count += 1
        taken = self._left[:count]
        del self._left[:count]
        self._left_bytes -= size
        return taken

    def release(self, list taken not None):
        """Stop counting messages that were taken."""
        self.packets -= PyList_GET_SIZE(taken)
        for message in taken:
            self.size_bytes -= _size_of(message)
