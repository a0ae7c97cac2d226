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
