"""The most frequent command to Redis (RESP2): PUBLISH."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcpy


def pack_messages(bytes command not None, messages):
    """Return the commands that publish messages.

    Args:
        command: PUBLISH or SPUBLISH.
        messages: pairs of channel and content. Lone surrogates of a channel stay.
    """
    cdef dict prefixes = {}
    cdef Py_ssize_t size = 0
    cdef bytes prefix
    cdef bytes payload
    cdef bytes result
    cdef char *at
    for channel, payload in messages:
        prefix = prefixes.get(channel)
        if prefix is None:
            prefix = prefixes[channel] = _prefix(command, channel.encode("utf-8", "surrogatepass"))
        size += PyBytes_GET_SIZE(prefix) + _digits(PyBytes_GET_SIZE(payload)) + PyBytes_GET_SIZE(payload) + 4
    result = PyBytes_FromStringAndSize(NULL, size)
    at = PyBytes_AS_STRING(result)
    for channel, payload in messages:
        prefix = prefixes[channel]
        at = _add(at, PyBytes_AS_STRING(prefix), PyBytes_GET_SIZE(prefix))
        at = _add_number(at, PyBytes_GET_SIZE(payload))
        at = _add(at, b"\r\n", 2)
        at = _add(at, PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))
        at = _add(at, b"\r\n", 2)
    return result


cdef bytes _prefix(bytes command, bytes channel):
    """Return what a command begins with, up to the length of its content."""
    return b"*3\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$" % (len(command), command, len(channel), channel)


cdef inline Py_ssize_t _digits(Py_ssize_t number) noexcept:
    cdef Py_ssize_t count = 1
    while number >= 10:
        number //= 10
        count += 1
    return count


cdef inline char *_add(char *at, const char *piece, Py_ssize_t size) noexcept:
    memcpy(at, piece, <size_t>size)
    return at + size


cdef inline char *_add_number(char *at, Py_ssize_t number) noexcept:
    cdef char *end = at + _digits(number)
    cdef char *digit = end
    while digit != at:
        digit -= 1
        digit[0] = <char>(c"0" + number % 10)
        number //= 10
    return end
