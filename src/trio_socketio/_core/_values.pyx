"""Walks through JSON values: replaces attachments and texts, and encodes deeply nested values.

The walks are not recursive, so only memory limits the depth of a value. Each walk visits every value once, and copies
only containers that change; a walk through a megabyte takes some milliseconds.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Next
from cpython.float cimport PyFloat_CheckExact
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.long cimport PyLong_CheckExact
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.ref cimport Py_INCREF, PyObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from cpython.unicode cimport PyUnicode_CheckExact


cdef extern from "Python.h":
    int PyBool_Check(object value)
    int PyList_CheckExact(object value)
    int PyTuple_CheckExact(object value)
    int PyDict_CheckExact(object value)
    int PyDict_SetItem(object items, object key, object value) except -1
    object PyDict_Copy(object items)
    PyObject *PyDict_GetItemWithError(object items, object key) except? NULL
    object PySequence_List(object items)
    int PyList_SetItem(object items, Py_ssize_t at, object value) except -1
    Py_ssize_t PyDict_Size(object items)
    unsigned int PyUnicode_MAX_CHAR_VALUE(object text)
    void Py_DECREF(PyObject *value)
    void Py_XDECREF(PyObject *value)


cdef enum:
    #: The depth at which a walk first checks whether a value contains itself.
    FIRST_CHECK = 64


cdef str PLACEHOLDER = "_placeholder"
cdef str NUMBER = "num"


@cython.final
cdef class Path:
    """The containers from the root to the current value of a walk."""

    def __cinit__(self):
        self._next_check = FIRST_CHECK

    def __dealloc__(self):
        cdef Py_ssize_t at
        for at in range(self._depth):
            Py_DECREF(self._frames[at].source)
            Py_XDECREF(self._frames[at].target)
        PyMem_Free(self._frames)

    cdef int push(self, object container) except -1:
        """Enter a container."""
        cdef frame *frames
        cdef Py_ssize_t cap
        if self._depth == self._cap:
            cap = 2 * self._cap if self._cap else 32
            frames = <frame *>PyMem_Realloc(self._frames, <size_t>cap * sizeof(frame))
            if frames is NULL:
                raise MemoryError
            self._frames = frames
            self._cap = cap
        if self._depth == self._next_check:
            self._check_cycle()
        Py_INCREF(container)
        self._frames[self._depth] = frame(<PyObject *>container, NULL, NULL, NULL, 0)
        self._depth += 1
        return 0

    cdef int _check_cycle(self) except -1:
        """Raise if a container is in the path twice.

        In a value that contains itself, the path grows without end. So it suffices to check when its length doubles.
        """
        cdef Py_ssize_t at
        cdef set seen = set()
        for at in range(self._depth):
            seen.add(<size_t>self._frames[at].source)
        if len(seen) < self._depth:
            raise RecursionError("a value contains itself")
        self._next_check = 2 * self._depth
        return 0

    cdef object pop(self):
        """Leave a container, and return it, or its changed copy."""
        cdef frame *top
        cdef object result
        self._depth -= 1
        top = &self._frames[self._depth]
        result = <object>(top.source if top.target is NULL else top.target)
        Py_XDECREF(top.target)
        Py_DECREF(top.source)
        return result

    cdef bint next(self, PyObject **child) except -1:
        """Go to the next value of the innermost container; return False if there is none left."""
        cdef frame *top = &self._frames[self._depth - 1]
        cdef object source = <object>top.source
        if PyList_CheckExact(source):
            if top.next >= PyList_GET_SIZE(source):
                return False
            child[0] = PyList_GET_ITEM(source, top.next)
            top.next += 1
        elif PyTuple_CheckExact(source):
            if top.next >= PyTuple_GET_SIZE(source):
                return False
            child[0] = PyTuple_GET_ITEM(source, top.next)
            top.next += 1
        elif not PyDict_Next(source, &top.next, &top.key, child):
            return False
        top.original = child[0]
        return True

    cdef int replace(self, object value) except -1:
        """Replace the current value. Do nothing if it is the same; else copy the container before the first change."""
        cdef frame *top = &self._frames[self._depth - 1]
        cdef object copy
        if top.original == <PyObject *>value:
            return 0
        if top.target is NULL:
            source = <object>top.source
            copy = PyDict_Copy(source) if PyDict_CheckExact(source) else PySequence_List(source)
            Py_INCREF(copy)
            top.target = <PyObject *>copy
        copy = <object>top.target
        if PyDict_CheckExact(copy):
            PyDict_SetItem(copy, <object>top.key, value)
        else:
            Py_INCREF(value)  # PyList_SetItem takes over a reference
            PyList_SetItem(copy, top.next - 1, value)
        return 0


cdef inline bint _is_scalar(object value):
    return (
        PyUnicode_CheckExact(value)
        or PyLong_CheckExact(value)
        or PyFloat_CheckExact(value)
        or value is None
        or PyBool_Check(value)
    )


cdef inline bint _is_container(object value):
    return PyList_CheckExact(value) or PyDict_CheckExact(value) or PyTuple_CheckExact(value)


cdef bint _is_empty(object container):
    if PyList_CheckExact(container):
        return PyList_GET_SIZE(container) == 0
    if PyTuple_CheckExact(container):
        return PyTuple_GET_SIZE(container) == 0
    return PyDict_Size(container) == 0


cdef bint _looks_like_placeholder(object container) except -1:
    cdef PyObject *mark
    if not PyDict_CheckExact(container):
        return False
    mark = PyDict_GetItemWithError(container, PLACEHOLDER)
    # an enum member is encoded as its value
    return mark is not NULL and (<object>mark is True or getattr(<object>mark, "value", None) is True)


def extract_attachments(value, list attachments not None, plain not None):
    """Replace binary values by placeholders.

    Args:
        value: the value to encode.
        attachments: the list to which the binary values are appended, as ``bytes``.
        plain: called with each value that is neither binary nor of a type of JSON. It returns a replacement, which is
            walked through, too. A replacement of the same type is left to the encoder.

    Returns:
        The value, in which only changed containers are copied; and whether it contains an object that looks like a
        placeholder.

    Raises:
        RecursionError: the value contains itself.
    """
    cdef Path path = Path()
    cdef PyObject *next_child = NULL
    cdef object child = value
    cdef object result
    cdef bint has_look_alike = False
    while True:
        if isinstance(child, (bytes, bytearray, memoryview)):
            result = {PLACEHOLDER: True, NUMBER: len(attachments)}
            attachments.append(bytes(child))
        elif _is_scalar(child):
            result = child
        else:
            result = child
            if not _is_container(child):
                result = plain(child)
                if type(result) is not type(child) and not _is_scalar(result) and not _is_container(result):
                    child = result
                    continue
            if _is_container(result) and not _is_empty(result):
                has_look_alike = has_look_alike or _looks_like_placeholder(result)
                path.push(result)
                if path.next(&next_child):
                    child = <object>next_child
                    continue
                result = path.pop()
        while True:
            if path._depth == 0:
                return result, has_look_alike
            path.replace(result)
            if path.next(&next_child):
                break
            result = path.pop()
        child = <object>next_child


def insert_attachments(value, list attachments not None):
    """Replace placeholders by their attachments, in place.

    Args:
        value: decoded JSON, to which nothing else refers.
        attachments: the attachments, in the order of their numbers.

    Returns:
        The value, and how many attachments were used, each at most once; -1: the number of a placeholder is invalid, or
        is used twice.
    """
    cdef Path path = Path()
    cdef PyObject *child = NULL
    cdef set unused = set(range(len(attachments)))
    if _looks_like_placeholder(value):
        number = value.get(NUMBER)
        if type(number) is not int or number not in unused:
            return value, -1
        return attachments[number], 1
    if not _is_container(value):
        return value, 0
    path.push(value)
    while path._depth > 0:
        if not path.next(&child):
            path.pop()
        elif _looks_like_placeholder(<object>child):
            number = (<dict>child).get(NUMBER)
            if type(number) is not int or number not in unused:
                return value, -1
            unused.remove(number)
            _put(&path._frames[path._depth - 1], attachments[number])
        elif _is_container(<object>child) and not _is_empty(<object>child):
            path.push(<object>child)
    return value, len(attachments) - len(unused)


cdef int _put(frame *top, object value) except -1:
    """Set the value at the current position of a container."""
    cdef object source = <object>top.source
    if PyDict_CheckExact(source):
        PyDict_SetItem(source, <object>top.key, value)
    else:
        Py_INCREF(value)
        PyList_SetItem(source, top.next - 1, value)
    return 0


cdef inline bint _may_hold_surrogates(object text):
    return PyUnicode_CheckExact(text) and PyUnicode_MAX_CHAR_VALUE(text) >= 0xD800


def replace_texts(value, function not None):
    """Apply a function to all texts that may contain surrogates, including keys, and return the changed value.

    Raises:
        RecursionError: the value contains itself.
    """
    cdef Path path = Path()
    cdef PyObject *next_child = NULL
    cdef object child = value
    cdef object result
    while True:
        result = child
        if _may_hold_surrogates(child):
            result = function(child)
        elif _is_container(child) and not _is_empty(child):
            if PyDict_CheckExact(child) and any([_may_hold_surrogates(key) for key in <dict>child]):
                result = {
                    function(key) if _may_hold_surrogates(key) else key: item
                    for key, item in (<dict>child).items()
                }
            path.push(result)
            if path.next(&next_child):
                child = <object>next_child
                continue
            result = path.pop()
        while True:
            if path._depth == 0:
                return result
            path.replace(result)
            if path.next(&next_child):
                break
            result = path.pop()
        child = <object>next_child


def encode_deep(value, encode not None):
    """Encode a value that is nested too deeply for the encoder.

    Args:
        value: nested lists, tuples and dicts; the encoder encodes all other values in them.
        encode: converts a value to JSON, as bytes.

    Raises:
        RecursionError: the value contains itself.
    """
    cdef Path path = Path()
    cdef PyObject *child = NULL
    cdef frame *top
    cdef list parts = []
    cdef bytes key
    cdef bint is_first
    if not _is_container(value):
        return encode(value)
    path.push(value)
    parts.append(b"{" if PyDict_CheckExact(value) else b"[")
    while path._depth > 0:
        top = &path._frames[path._depth - 1]
        is_first = top.next == 0
        if not path.next(&child):
            parts.append(b"}" if PyDict_CheckExact(<object>top.source) else b"]")
            path.pop()
            continue
        if not is_first:
            parts.append(b",")
        if PyDict_CheckExact(<object>top.source):
            key = encode({<object>top.key: None})  # {"key":null}
            parts.append(key[1 : PyBytes_GET_SIZE(key) - 5])
        if _is_container(<object>child) and not _is_empty(<object>child):
            path.push(<object>child)
            parts.append(b"{" if PyDict_CheckExact(<object>child) else b"[")
        else:
            parts.append(encode(<object>child))
    return b"".join(parts)


def without_lone_surrogates(bytes text not None):
    """Replace each escape of a lone surrogate in JSON text by that of U+FFFD; return the same object if there is none.

    Source: RFC 8259 section 8.2.
    """
    cdef Py_ssize_t size = PyBytes_GET_SIZE(text)
    cdef bytes copy = PyBytes_FromStringAndSize(PyBytes_AS_STRING(text), size)
    if tsio_json_replace_lone_surrogates(<uint8_t *>PyBytes_AS_STRING(copy), <size_t>size):
        return copy
    return text
