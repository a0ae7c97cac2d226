cdef class EventWriter:
    cdef object _encode
    cdef object _prepare
    cdef object _uid
    cdef object _target
    cdef bytes _head
    cdef bytes _middle
    cdef bytes _tail
