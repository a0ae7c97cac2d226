"""What the cyclic garbage collector has to look at."""


cdef extern from "Python.h":
    int PyObject_GC_IsTracked(object thing)
    int PyObject_IS_GC(object thing)
    void PyObject_GC_Track(object thing)
    void PyObject_GC_UnTrack(object thing)


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
