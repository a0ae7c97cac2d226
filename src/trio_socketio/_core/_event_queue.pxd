cdef class EventQueue:
    cdef readonly Py_ssize_t count, size_bytes
    cdef readonly bint is_full
    cdef Py_ssize_t _max_events, _max_bytes, _next
    cdef list _events

    cpdef borrow(self)
    cpdef done(self, event)
