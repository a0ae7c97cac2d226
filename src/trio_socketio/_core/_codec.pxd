# Mirrors base64.h, utf8.h, eio_payload.h, http_head.h and sio_packet.h.
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from trio_socketio._core._base cimport c_bool, tsio_status


cdef extern from "utf8.h" nogil:
    c_bool tsio_utf8_valid(const uint8_t *data, size_t length)


cdef extern from "base64.h" nogil:
    size_t tsio_base64_decoded_max(size_t length)
    c_bool tsio_base64_decode(uint8_t *dst, size_t *dst_len, const uint8_t *src, size_t length)


cdef extern from "eio_payload.h" nogil:
    ctypedef struct tsio_eio_packet:
        const uint8_t *packet
        size_t len
        c_bool binary

    ctypedef struct tsio_eio_splitter:
        pass

    void tsio_eio_splitter_init(
        tsio_eio_splitter *splitter, const uint8_t *body, size_t length
    )
    tsio_status tsio_eio_splitter_next(
        tsio_eio_splitter *splitter, tsio_eio_packet *packet, c_bool *more
    )
    tsio_status tsio_eio3_splitter_next(
        tsio_eio_splitter *splitter, tsio_eio_packet *packet, c_bool *more
    )
    tsio_status tsio_eio3_binary_splitter_next(
        tsio_eio_splitter *splitter, tsio_eio_packet *packet, c_bool *more
    )


cdef extern from "http_head.h" nogil:
    size_t tsio_http_head_len(const uint8_t *data, size_t length, c_bool *is_plain)


cdef extern from "sio_packet.h" nogil:
    ctypedef struct tsio_sio_head:
        uint8_t type
        uint32_t attachments
        const uint8_t *nsp
        size_t nsp_len
        c_bool has_id
        uint64_t id
        size_t json_offset

    tsio_status tsio_sio_head_parse(
        const uint8_t *data, size_t length, uint32_t max_attachments, tsio_sio_head *head
    )


ctypedef tsio_status (*next_packet)(tsio_eio_splitter *, tsio_eio_packet *, c_bool *) noexcept nogil


cdef class PayloadReader:
    cdef readonly object failure
    cdef bytes _body
    cdef tsio_eio_splitter _splitter
    cdef next_packet _next_packet
    cdef bint _binary_is_base64
