from cpython.ref cimport PyObject


#: A container on the path of a walk, and the walk's position in it.
ctypedef struct frame:
    PyObject *source    # owned
    PyObject *target    # owned: the changed copy; NULL: nothing is changed yet
    PyObject *original  # the value at this position; only its address is used
    PyObject *key       # in a dict: the key at this position; the dict keeps it alive
    Py_ssize_t next


cdef class Walk:
    cdef frame *_frames
    cdef Py_ssize_t _depth
    cdef Py_ssize_t _cap
    cdef Py_ssize_t _next_check
    cdef object result

    cdef int push(self, object container) except -1
    cdef object pop(self)
    cdef PyObject *next(self) except? NULL
    cdef PyObject *advance(self, object result) except? NULL
    cdef int put(self, object value) except -1
    cdef int _replace(self, object value) except -1
    cdef int _refuse_cycle(self) except -1
