from trio_socketio._core._message cimport Message


cdef class Broadcast:
    cdef readonly object event
    cdef readonly tuple args
    cdef public object target
    cdef readonly object ack_id
    cdef readonly bint waits
    cdef public bint must_settle
    cdef public object unsent
    cdef object _encode
    cdef Message _message


cdef class Pace:
    cdef Py_ssize_t _most_messages
    cdef Py_ssize_t _most_bytes
    cdef Py_ssize_t _most_unreached
    cdef Py_ssize_t _messages
    cdef Py_ssize_t _bytes
    cdef Py_ssize_t _all
