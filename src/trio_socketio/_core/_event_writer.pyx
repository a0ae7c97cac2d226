"""Encodes events for other servers in one step.

An event is most often for the same target as the last one. So all bytes around its data are kept, and only the data is
encoded: this takes 0.2 µs, encoding the whole message from Python objects four times as long.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcpy

from trio_socketio._core._broadcast cimport Broadcast
from trio_socketio._core._packets cimport holds_json


cdef extern from "Python.h":
    object PyObject_CallOneArg(object function, object argument)


@cython.final
cdef class EventWriter:
    """Encodes events with plain arguments as ``head + data + middle + number + tail``.

    The data is the list of the event's name and its arguments.

    Args:
        encode: encodes a value.
        prepare: returns head, middle and tail for the id of this server and a target. It is called when one of the two
            is another object than before.
    """

    def __init__(self, encode not None, prepare not None):
        self._encode = encode
        self._prepare = prepare

    def write(self, uid not None, Broadcast broadcast not None, number=None):
        """Encode an event without acknowledgements; return None if the general encoder has to.

        Args:
            uid: the id of this server.
            broadcast: the event.
            number: the number of the message; None: it has none.
        """
        cdef bytes data
        cdef bytes digits = b""
        cdef bytes result
        cdef char *at
        cdef list values = [broadcast.event, *broadcast.args]
        if not holds_json(values, 0):
            return None
        try:
            if broadcast.target is not self._target or uid is not self._uid:
                self._target = None
                self._head, self._middle, self._tail = self._prepare(uid, broadcast.target)
                self._uid, self._target = uid, broadcast.target
            data = PyObject_CallOneArg(self._encode, values)
            if number is not None:
                digits = PyObject_CallOneArg(self._encode, number)
        except Exception:
            return None
        result = PyBytes_FromStringAndSize(
            NULL,
            PyBytes_GET_SIZE(self._head)
            + PyBytes_GET_SIZE(data)
            + PyBytes_GET_SIZE(self._middle)
            + PyBytes_GET_SIZE(digits)
            + PyBytes_GET_SIZE(self._tail),
        )
        at = PyBytes_AS_STRING(result)
        at = _add(at, self._head)
        at = _add(at, data)
        at = _add(at, self._middle)
        at = _add(at, digits)
        _add(at, self._tail)
        return result


cdef inline char *_add(char *at, bytes piece) noexcept:
    memcpy(at, PyBytes_AS_STRING(piece), <size_t>PyBytes_GET_SIZE(piece))
    return at + PyBytes_GET_SIZE(piece)
