# Mirrors json_text.h.
from libc.stdint cimport uint8_t

from cpython.ref cimport PyObject
from trio_socketio._core._base cimport c_bool


cdef extern from "json_text.h" nogil:
    c_bool tsio_json_replace_lone_surrogates(uint8_t *text, size_t length)


#: A container that is walked through, and where the walk stands in it.
ctypedef struct frame:
    PyObject *source    # owned
    PyObject *target    # owned: the copy that differs; NULL: nothing differs yet
    PyObject *original  # what the container holds at this place, of which only the address is used
    PyObject *key       # in a dict: the key at this place, which the dict holds
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
