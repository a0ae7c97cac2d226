# Mirrors json_text.h.
from libc.stdint cimport uint8_t

from cpython.ref cimport PyObject
from trio_socketio._core._base cimport c_bool


cdef extern from "json_text.h" nogil:
    c_bool tsio_json_replace_lone_surrogates(uint8_t *text, size_t length)


#: A container on the path of a walk, and the walk's position in it.
ctypedef struct frame:
    PyObject *source    # owned
    PyObject *target    # owned: the changed copy; NULL: nothing is changed yet
    PyObject *original  # the value at this position; only its address is used
    PyObject *key       # in a dict: the key at this position; the dict keeps it alive
    Py_ssize_t next


cdef class Path:
    cdef frame *_frames
    cdef Py_ssize_t _depth
    cdef Py_ssize_t _cap
    cdef Py_ssize_t _next_check

    cdef int push(self, object container) except -1
    cdef object pop(self)
    cdef bint next(self, PyObject **child) except -1
    cdef int replace(self, object value) except -1
    cdef int _check_cycle(self) except -1
