#: Whether a value, nested so deep in others, consists only of types of JSON.
cdef bint holds_json(object value, int depth) except -1


cdef class EventReader:
    cdef object _decode
    cdef object _event
    cdef frozenset _reserved


cdef class PacketWriter:
    cdef bytes _event_head
    cdef bytes _ack_head
    cdef object _encode
    cdef frozenset _reserved

    cdef object _message(self, bytes head, object ack_id, tuple values)
