"""Fast path for the most common message between servers: an event without binary, from a classic Redis adapter.

The arguments are converted from MessagePack to JSON in one pass, without Python objects in between. For any other
message, or a malformed one, the reader returns None, and the caller uses the decoder in ``adapters.redis``.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.string cimport memcmp, memcpy, strlen

from trio_socketio._core._message cimport message_of


cdef extern from "Python.h":
    char *PyOS_double_to_string(double value, char format_code, int precision, int flags, int *kind)
    int Py_DTSF_ADD_DOT_0


cdef enum:
    #: Messages of so many bytes, or more, do not use the fast path.
    LARGE = 16384
    #: So many targets are remembered, if their options have at most so many bytes.
    MOST_TARGETS = 1024
    LONGEST_OPTIONS = 256
    #: The longest id of a server, in bytes.
    LONGEST_ID = 64

#: Room for the JSON of one event. It is used while no other code runs.
cdef uint8_t[TSIO_JSON_GROWTH * LARGE] _json


cdef size_t _write_float(uint8_t *dst, double value) noexcept:
    cdef char *text = PyOS_double_to_string(value, c"r", 0, Py_DTSF_ADD_DOT_0, NULL)
    cdef size_t size
    if text is NULL:
        return 0
    size = strlen(text)
    memcpy(dst, text, size)
    PyMem_Free(text)
    return size


cdef inline bint _is(tsio_piece piece, bytes text) noexcept:
    cdef size_t size = <size_t>PyBytes_GET_SIZE(text)
    return piece.len == size and memcmp(piece.data, PyBytes_AS_STRING(text), size) == 0


@cython.final
cdef class ClassicEventReader:
    """Decodes events of one namespace.

    Args:
        namespace: the name of the namespace, which begins with a slash.
        target: converts options, as MessagePack, to the target of a broadcast. It raises an exception if it cannot.
        reserved: names that are not allowed for events.
    """

    def __cinit__(self, str namespace not None, target not None, frozenset reserved not None):
        self._namespace = namespace.encode()
        self._head = b"42" if namespace == "/" else f"42{namespace},".encode()
        self._target = target
        self._reserved = tuple([name.encode() for name in reserved])
        self._targets = {}

    def read(self, bytes payload not None):
        """Decode a message.

        Args:
            payload: the message.

        Returns:
            The id of the server, the number of the message (or None), the target, and the encoded event; or None,
            if the message is another one.
        """
        cdef tsio_classic_event event
        cdef tsio_msgpack data
        cdef tsio_piece[2] pieces
        cdef size_t size = <size_t>PyBytes_GET_SIZE(payload)
        cdef bytes name
        if size >= LARGE or not tsio_classic_event_read(
            <const uint8_t *>PyBytes_AS_STRING(payload), size, &event
        ):
            return None
        if event.uid.len > LONGEST_ID or not _is(event.nsp, self._namespace):
            return None
        for name in self._reserved:
            if _is(event.name, name):
                return None
        data = tsio_msgpack(event.data.data, event.data.data + event.data.len)
        pieces[0] = tsio_piece(<const uint8_t *>PyBytes_AS_STRING(self._head), <size_t>PyBytes_GET_SIZE(self._head))
        pieces[1].data = &_json[0]
        pieces[1].len = tsio_msgpack_to_json(&data, &_json[0], _write_float)
        if pieces[1].len == 0:
            return None
        message = message_of(pieces, 2)
        try:
            uid = PyUnicode_DecodeUTF8(<const char *>event.uid.data, <Py_ssize_t>event.uid.len, NULL)
            target = self._target_of(event.options)
        except Exception:
            return None
        return uid, event.seq if event.has_seq else None, target, message

    cdef object _target_of(self, tsio_piece options):
        cdef bytes key = PyBytes_FromStringAndSize(<const char *>options.data, <Py_ssize_t>options.len)
        target = self._targets.get(key)
        if target is None:
            target = self._target(key)
            if len(self._targets) == MOST_TARGETS:
                self._targets.clear()
            if options.len <= LONGEST_OPTIONS:
                self._targets[key] = target
        return target
