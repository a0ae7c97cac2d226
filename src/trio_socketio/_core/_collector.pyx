"""Memory: what the cyclic garbage collector has to look at, and what goes back to the system."""


cdef extern from "Python.h":
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


def untrack(*things):
    """Keep objects out of the collector's sight, as long as something else keeps them alive.

    A collection looks at every tracked object, so that 200,000 idle connections would stall everybody for a second.
    None of them can be garbage while its session lives: the server holds it. Once that is over, ``track`` them again,
    for an application may have tied them into a cycle.
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
