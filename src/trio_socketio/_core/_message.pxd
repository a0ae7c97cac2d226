# Mirrors message.h, dialect.h and message_forms.h.
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from trio_socketio._core._base cimport c_bool, tsio_status
from trio_socketio._core._deflate cimport Deflate, tsio_deflate


cdef extern from "dialect.h" nogil:
    ctypedef struct tsio_dialect:
        uint8_t revision
        c_bool base64
        tsio_deflate *deflate

    c_bool tsio_dialect_is_revision3(const tsio_dialect *dialect)


cdef extern from "message.h" nogil:
    ctypedef struct tsio_buf:
        uint8_t *data
        size_t len

    ctypedef struct tsio_message_forms

    ctypedef struct tsio_message:
        uint32_t parts
        uint64_t key
        tsio_buf polling
        tsio_message_forms *forms
        c_bool never_compress

    ctypedef struct tsio_piece:
        const uint8_t *data
        size_t len

    tsio_message *tsio_message_new(size_t reserve_bytes, uint64_t key)
    tsio_status tsio_message_add_text(
        tsio_message *message, uint8_t type_digit, const uint8_t *data, size_t length
    )
    tsio_status tsio_message_add_pieces(tsio_message *message, const tsio_piece *pieces, size_t count)
    tsio_status tsio_message_add_binary(tsio_message *message, const uint8_t *data, size_t length)
    void tsio_message_unref(tsio_message *message)
    tsio_status tsio_message_polling(tsio_message *message, const uint8_t **data, size_t *length)
    size_t tsio_message_bytes(const tsio_message *message)


cdef extern from "message_forms.h" nogil:
    ctypedef struct tsio_message_forms:
        tsio_message *typed
        tsio_message *base64
        tsio_message *deflated
        tsio_buf text_payload
        tsio_buf binary_payload


cdef class Dialect:
    cdef tsio_dialect _dialect
    cdef readonly Deflate deflate


cdef class Message:
    cdef tsio_message *_message


cdef Message message_of(const tsio_piece *pieces, size_t count)
