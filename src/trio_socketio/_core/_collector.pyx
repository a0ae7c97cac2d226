"""Controls memory: which objects the cyclic garbage collector visits, when it runs, and what the system gets back."""

from cpython.bytes cimport PyBytes_GET_SIZE


cdef extern from "Python.h":
    int PyGC_Enable()
    int PyGC_Disable()
    int PyObject_GC_IsTracked(object thing)
    int PyObject_IS_GC(object thing)
    void PyObject_GC_Track(object thing)
    void PyObject_GC_UnTrack(object thing)


cdef extern from *:
    """
    #include <stdlib.h> /* defines __GLIBC__ on glibc */
    #ifdef __GLIBC__
    #include <malloc.h>
    static inline void release_heap(void) { malloc_trim(0); }
    #else
    static inline void release_heap(void) {}
    #endif
    """
    void release_heap() nogil


cdef enum:
    #: JSON of so many bytes, or more, is decoded with the collector disabled.
    LARGE = 16384


def untrack(*things):
    """Hide objects from the collector while the server keeps them alive.

    A collection visits every tracked object; with 200,000 idle connections it would stop the server for a second. The
    objects of an open session cannot be garbage, because the server refers to them. Once the session has ended,
    ``track`` them again, because an application may have made them part of a reference cycle.
    """
    for thing in things:
        if PyObject_IS_GC(thing) and PyObject_GC_IsTracked(thing):
            PyObject_GC_UnTrack(thing)


def track(*things):
    """Make objects visible to the collector again."""
    for thing in things:
        if PyObject_IS_GC(thing) and not PyObject_GC_IsTracked(thing):
            PyObject_GC_Track(thing)


def release_memory():
    """Return the free memory of the C library to the system. This takes about a millisecond for each 10 MB."""
    with nogil:
        release_heap()


def is_large(bytes text not None):
    """Return whether to decode JSON of this size with ``decode_large``."""
    return PyBytes_GET_SIZE(text) >= LARGE


def decode_large(decode not None, bytes text not None):
    """Decode JSON with the collector disabled.

    The new values contain no cycles. The collector would visit them repeatedly while their number grows, which takes up
    to three times as long as decoding.
    """
    cdef int was_enabled = PyGC_Disable()
    try:
        return decode(text)
    finally:
        if was_enabled:
            PyGC_Enable()
