"""Compresses and inflates the messages of all connections, over ``csrc/deflate.h``."""

cimport cython


@cython.final
cdef class Deflate:
    """One deflater and one inflater (RFC 7692, without context takeover), about 300 kB.

    Args:
        threshold: payloads of fewer bytes are not compressed.
        level: the compression level of zlib, 1 to 9.
        window_bits: how far back repetitions are found, as a power of two, 9 to 15.
        mem_level: the memory level of zlib, 1 to 9.
        max_bytes: larger messages are not compressed, because it would take too long.
    """

    def __cinit__(
        self,
        *,
        size_t threshold,
        int level=6,
        int window_bits=15,
        int mem_level=8,
        size_t max_bytes,
    ):
        if not (1 <= level <= 9 and 9 <= window_bits <= 15 and 1 <= mem_level <= 9):
            raise ValueError("level, window_bits or mem_level is out of its range")
        self._deflate = tsio_deflate_new(level, window_bits, mem_level, threshold, max_bytes)
        if self._deflate is NULL:
            raise MemoryError("deflate")

    def __dealloc__(self):
        tsio_deflate_free(self._deflate)
