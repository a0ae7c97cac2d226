"""Finds the messages among the replies of a Redis connection with subscriptions (RESP2)."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItemWithError
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.ref cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.string cimport memcmp


cdef extern from "Python.h":
    int PyList_CheckExact(object value)


cdef inline bint _begins(bytes text, bytes prefix) noexcept:
    cdef Py_ssize_t size = PyBytes_GET_SIZE(prefix)
    return PyBytes_GET_SIZE(text) >= size and memcmp(
        PyBytes_AS_STRING(text), PyBytes_AS_STRING(prefix), <size_t>size
    ) == 0


cdef inline bint _is_kind(object word) noexcept:
    """Return whether a reply that begins with this word is a message."""
    cdef const char *text
    if not PyBytes_CheckExact(word):
        return False
    text = PyBytes_AS_STRING(word)
    if PyBytes_GET_SIZE(word) == 7:
        return memcmp(text, b"message", 7) == 0
    return PyBytes_GET_SIZE(word) == 8 and (text[0] == c"p" or text[0] == c"s") and memcmp(text + 1, b"message", 7) == 0


def messages_of(list replies not None, dict names not None, tuple skipped not None):
    """Find messages.

    Args:
        replies: replies, in order.
        names: the channels or patterns that are subscribed to, and what their messages are returned under. Messages of
            others are left out.
        skipped: messages that begin with one of these are left out. They are ``bytes``.

    Returns:
        The pairs of name and message, and the replies that are no well-formed messages.
    """
    cdef Py_ssize_t at
    cdef Py_ssize_t place
    cdef Py_ssize_t size
    cdef list reply
    cdef list messages = []
    cdef list others = []
    cdef bytes payload
    cdef PyObject *name
    cdef bint is_skipped
    for at in range(PyList_GET_SIZE(replies)):
        item = <object>PyList_GET_ITEM(replies, at)
        size = PyList_GET_SIZE(item) if PyList_CheckExact(item) else 0
        if size < 3:
            others.append(item)
            continue
        reply = item
        channel = <object>PyList_GET_ITEM(reply, 1)
        last = <object>PyList_GET_ITEM(reply, size - 1)
        if not (
            _is_kind(<object>PyList_GET_ITEM(reply, 0)) and PyBytes_CheckExact(channel) and PyBytes_CheckExact(last)
        ):
            others.append(item)
            continue
        name = PyDict_GetItemWithError(names, channel)
        if name is NULL:
            continue
        payload = last
        is_skipped = False
        for place in range(PyTuple_GET_SIZE(skipped)):
            if _begins(payload, <bytes>PyTuple_GET_ITEM(skipped, place)):
                is_skipped = True
                break
        if not is_skipped:
            messages.append((<object>name, payload))
    return messages, others
