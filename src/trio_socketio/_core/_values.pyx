"""Replaces attachments and texts in JSON values, and encodes deeply nested values.

Each function visits every value once, and copies only containers that change. A walk through a megabyte takes some
milliseconds.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.float cimport PyFloat_CheckExact
from cpython.list cimport PyList_GET_SIZE
from cpython.long cimport PyLong_CheckExact
from cpython.ref cimport PyObject
from cpython.tuple cimport PyTuple_GET_SIZE
from cpython.unicode cimport PyUnicode_CheckExact

from trio_socketio._core._walk cimport Walk, frame


cdef extern from "Python.h":
    int PyBool_Check(object value)
    int PyList_CheckExact(object value)
    int PyTuple_CheckExact(object value)
    int PyDict_CheckExact(object value)
    PyObject *PyDict_GetItemWithError(object items, object key) except? NULL
    Py_ssize_t PyDict_Size(object items)
    unsigned int PyUnicode_MAX_CHAR_VALUE(object text)


cdef str PLACEHOLDER = "_placeholder"
cdef str NUMBER = "num"


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
    cdef Walk walk = Walk()
    cdef PyObject *next_child = <PyObject *>value
    cdef object child
    cdef object result
    cdef bint has_look_alike = False
    while next_child is not NULL:
        child = <object>next_child
        result = child
        if isinstance(child, (bytes, bytearray, memoryview)):
            result = {PLACEHOLDER: True, NUMBER: len(attachments)}
            attachments.append(bytes(child))
        elif not _is_scalar(child):
            if not _is_container(child):
                result = plain(child)
                if type(result) is not type(child) and not _is_scalar(result) and not _is_container(result):
                    next_child = <PyObject *>result
                    continue
            if _is_container(result) and not _is_empty(result):
                has_look_alike = has_look_alike or _looks_like_placeholder(result)
                walk.push(result)
                next_child = walk.next()
                continue
        next_child = walk.advance(result)
    return walk.result, has_look_alike


def insert_attachments(value, list attachments not None):
    """Replace placeholders by their attachments, in place.

    Args:
        value: decoded JSON, to which nothing else refers.
        attachments: the attachments, in the order of their numbers.

    Returns:
        The value, and how many attachments were used, each at most once; -1: the number of a placeholder is invalid, or
        is used twice.
    """
    cdef Walk walk = Walk()
    cdef PyObject *child = NULL
    cdef set unused = set(range(len(attachments)))
    if _looks_like_placeholder(value):
        number = value.get(NUMBER)
        if type(number) is not int or number not in unused:
            return value, -1
        return attachments[number], 1
    if not _is_container(value):
        return value, 0
    walk.push(value)
    while walk._depth > 0:
        child = walk.next()
        if child is NULL:
            walk.pop()
        elif _looks_like_placeholder(<object>child):
            number = (<dict>child).get(NUMBER)
            if type(number) is not int or number not in unused:
                return value, -1
            unused.remove(number)
            walk.put(attachments[number])
        elif _is_container(<object>child) and not _is_empty(<object>child):
            walk.push(<object>child)
    return value, len(attachments) - len(unused)


cdef inline bint _may_hold_surrogates(object text):
    return PyUnicode_CheckExact(text) and PyUnicode_MAX_CHAR_VALUE(text) >= 0xD800


def replace_texts(value, function not None):
    """Apply a function to all texts that may contain surrogates, including keys, and return the changed value.

    Raises:
        RecursionError: the value contains itself.
    """
    cdef Walk walk = Walk()
    cdef PyObject *next_child = <PyObject *>value
    cdef object child
    cdef object result
    while next_child is not NULL:
        child = <object>next_child
        result = child
        if _may_hold_surrogates(child):
            result = function(child)
        elif _is_container(child) and not _is_empty(child):
            if PyDict_CheckExact(child) and any([_may_hold_surrogates(key) for key in <dict>child]):
                result = {
                    function(key) if _may_hold_surrogates(key) else key: item
                    for key, item in (<dict>child).items()
                }
            walk.push(result)
            next_child = walk.next()
            continue
        next_child = walk.advance(result)
    return walk.result


def encode_deep(value, encode not None):
    """Encode a value that is nested too deeply for the encoder.

    Args:
        value: nested lists, tuples and dicts; the encoder encodes all other values in them.
        encode: converts a value to JSON, as bytes.

    Raises:
        RecursionError: the value contains itself.
    """
    cdef Walk walk = Walk()
    cdef PyObject *child = NULL
    cdef frame *top
    cdef list parts = []
    cdef bytes key
    cdef bint is_first
    if not _is_container(value):
        return encode(value)
    walk.push(value)
    parts.append(b"{" if PyDict_CheckExact(value) else b"[")
    while walk._depth > 0:
        top = &walk._frames[walk._depth - 1]
        is_first = top.next == 0
        child = walk.next()
        if child is NULL:
            parts.append(b"}" if PyDict_CheckExact(<object>top.source) else b"]")
            walk.pop()
            continue
        if not is_first:
            parts.append(b",")
        if PyDict_CheckExact(<object>top.source):
            key = encode({<object>top.key: None})  # {"key":null}
            parts.append(key[1 : PyBytes_GET_SIZE(key) - 5])
        if _is_container(<object>child) and not _is_empty(<object>child):
            walk.push(<object>child)
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
