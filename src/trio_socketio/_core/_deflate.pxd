# Mirrors deflate.h.

cdef extern from "deflate.h" nogil:
    ctypedef struct tsio_deflate

    tsio_deflate *tsio_deflate_new(int level, int window_bits, int mem_level, size_t threshold, size_t max_bytes)
    void tsio_deflate_free(tsio_deflate *deflate)


cdef class Deflate:
    cdef tsio_deflate *_deflate
