# Mirrors message.h.
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from trio_socketio._core._base cimport tsio_status


cdef extern from "message.h" nogil:
    ctypedef struct tsio_message:
        uint32_t parts
        uint64_t key

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


cdef class Message:
    cdef tsio_message *_message


cdef Message message_of(const tsio_piece *pieces, size_t count)
