"""Memory: when the cyclic garbage collector runs, what it visits, and what goes back to the system."""

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
    #include <stdlib.h> /* says whether this is glibc */
    #ifdef __GLIBC__
    #include <malloc.h>
    static inline void release_heap(void) { malloc_trim(0); }
    #else
    static inline void release_heap(void) {}
    #endif
    """
    void release_heap() nogil


cdef enum:
    #: The size of JSON, in bytes, from which decoding stops the collector.
    LARGE = 16384


def untrack(*things):
    """Hide objects from the collector, as long as something else keeps them alive.

    A collection visits every tracked object, so that 200,000 idle connections would stop the server for a second.
    None of them is garbage while its session lives: the server holds it. Once the session has ended, ``track`` them
    again, because an application may have tied them into a cycle.
    """
    for thing in things:
        if PyObject_IS_GC(thing) and PyObject_GC_IsTracked(thing):
            PyObject_GC_UnTrack(thing)


def track(*things):
    """Let the collector see them again."""
    for thing in things:
        if PyObject_IS_GC(thing) and not PyObject_GC_IsTracked(thing):
            PyObject_GC_Track(thing)


def release_memory():
    """Give what the C library holds free back to the system; it takes about a millisecond for each 10 MB."""
    with nogil:
        release_heap()


def is_large(bytes text not None):
    """Whether JSON of this size is to be decoded by ``decode_large``."""
    return PyBytes_GET_SIZE(text) >= LARGE


def decode_large(decode not None, bytes text not None):
    """Decode JSON while the collector does not run.

    The new values contain no cycles, and the collector would visit them again and again while they grow in number: that
    takes up to three times as long as decoding.
    """
    cdef int was_enabled = PyGC_Disable()
    try:
        return decode(text)
    finally:
        if was_enabled:
            PyGC_Enable()
