cdef class OutgoingQueue:
    cdef readonly Py_ssize_t packets
    cdef readonly Py_ssize_t size_bytes
    cdef readonly dict waiting
    cdef Py_ssize_t _max_packets
    cdef Py_ssize_t _max_bytes
    cdef Py_ssize_t _left_bytes
    cdef list _left
    cdef object _filled

    cdef int _append(self, tuple message) except -1
