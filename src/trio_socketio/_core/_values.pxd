# Mirrors json_text.h.
from libc.stdint cimport uint8_t

from trio_socketio._core._base cimport c_bool


cdef extern from "json_text.h" nogil:
    c_bool tsio_json_replace_lone_surrogates(uint8_t *text, size_t length)
