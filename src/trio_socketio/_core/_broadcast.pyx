"""An event for the members of a target, and the pace of a task that sends many of them.

Each ``emit`` makes a ``Broadcast``; that takes 0.1 µs, and twice as long in Python.
"""

cimport cython

from trio_socketio._core._message cimport Message, tsio_message_bytes


@cython.final
cdef class Broadcast:
    """An event that is sent to the members of a target.

    Args:
        event: the name of the event.
        args: the arguments of the event.
        target: the rooms that receive the event, the excluded rooms, and the flags.
        encode: makes the message from the name, the arguments and the ack id.
        ack_id: the id of the acknowledgements; None: no acknowledgement is wanted.
        waits: whether the caller can wait, and awaits ``Adapter.settle`` afterwards if ``must_settle`` is set.

    Attributes:
        event: the name of the event.
        args: the arguments of the event.
        target: the rooms that receive the event, the excluded rooms, and the flags.
        ack_id: the id of the acknowledgements; None: no acknowledgement is wanted.
        waits: whether the caller can wait, and awaits ``Adapter.settle`` afterwards if ``must_settle`` is set.
        must_settle: set by an adapter if the caller has to wait.
        unsent: set by an adapter: what ``settle`` has to send when there is room; None if there is nothing.
    """

    def __init__(self, event, tuple args not None, target, encode, ack_id=None, *, bint waits=False):
        self.event = event
        self.args = args
        self.target = target
        self.ack_id = ack_id
        self.waits = waits
        self._encode = encode

    def __repr__(self):
        return f"<Broadcast {self.event!r} to {self.target}>"

    @property
    def message(self):
        """The encoded event. It is encoded on the first access, and all receivers share it.

        Raises:
            ReservedEventError: the name is reserved by Socket.IO.
            LocalProtocolError: the arguments cannot be encoded.
        """
        if self._message is None:
            self._message = self._encode(self.event, self.args, self.ack_id)
        return self._message


@cython.final
cdef class Pace:
    """Tells a task that sends many messages when it has to wait until they are written.

    A message that reached no connection needs no wait. Yet after many of these, too, other tasks have to run.

    Args:
        messages: the number of messages after which to wait.
        size: their number of bytes after which to wait.
        unreached: the number of messages, also of those that reached no connection, after which to wait.
    """

    def __init__(self, Py_ssize_t messages, Py_ssize_t size, Py_ssize_t unreached):
        self._most_messages, self._most_bytes, self._most_unreached = messages, size, unreached

    def count(self, Message message not None, bint reached):
        """Count a message, and return whether to wait. Then the counting begins anew.

        Args:
            message: the message.
            reached: whether it was queued for a connection.
        """
        self._all += 1
        if reached:
            self._messages += 1
            self._bytes += <Py_ssize_t>tsio_message_bytes(message._message)
        if (
            self._messages < self._most_messages
            and self._bytes < self._most_bytes
            and self._all < self._most_unreached
        ):
            return False
        self._messages = self._bytes = self._all = 0
        return True
