cdef class FastCall:
    cdef public object function
    cdef bint _takes_socket
    cdef tuple _types

    cdef bint _fit(self, object args) except -1
    cdef object _call(self, object socket, object args, object ack)
