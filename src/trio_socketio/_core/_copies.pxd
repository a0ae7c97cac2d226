cdef class Copies:
    cdef dict _sources
    cdef Py_ssize_t _most_sources
