# Mirrors classic_event.h and msgpack_json.h.
from libc.stdint cimport uint8_t, uint64_t

from trio_socketio._core._base cimport c_bool
from trio_socketio._core._message cimport tsio_piece


cdef extern from "msgpack.h" nogil:
    ctypedef struct tsio_msgpack:
        const uint8_t *at
        const uint8_t *end


cdef extern from "msgpack_json.h":
    enum:
        TSIO_JSON_GROWTH

    size_t tsio_msgpack_to_json(
        tsio_msgpack *data, uint8_t *dst, size_t (*write_float)(uint8_t *dst, double value) noexcept
    ) noexcept


cdef extern from "classic_event.h" nogil:
    ctypedef struct tsio_classic_event:
        tsio_piece uid
        tsio_piece nsp
        tsio_piece name
        tsio_piece data
        tsio_piece options
        c_bool has_seq
        uint64_t seq

    c_bool tsio_classic_event_read(const uint8_t *message, size_t length, tsio_classic_event *event)


cdef class ClassicEventReader:
    cdef bytes _namespace
    cdef bytes _head
    cdef object _target
    cdef tuple _reserved
    cdef dict _targets

    cdef object _target_of(self, tsio_piece options)
