# Mirrors base.h; there is no module behind it.
from libc.stdint cimport uint16_t


cdef extern from "<stdbool.h>":
    ctypedef bint c_bool "bool"


cdef extern from "base.h" nogil:
    ctypedef enum tsio_status:
        TSIO_OK
        TSIO_E_NO_MEMORY
        TSIO_E_BASE64
        TSIO_E_PACKET_TYPE
        TSIO_E_OUTBOX_FULL
        TSIO_E_SYSTEM

    const char *tsio_status_text(tsio_status status)
    uint16_t tsio_status_close_code(tsio_status status)


cdef inline int check_memory(tsio_status status) except -1:
    if status == TSIO_E_NO_MEMORY:
        raise MemoryError(tsio_status_text(status).decode())
    return 0
