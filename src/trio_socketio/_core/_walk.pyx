"""Walks through JSON values without recursion, so only memory limits the depth of a value."""

cimport cython
from cpython.dict cimport PyDict_Next
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE


cdef extern from "Python.h":
    int PyList_CheckExact(object value)
    int PyTuple_CheckExact(object value)
    int PyDict_CheckExact(object value)
    int PyDict_SetItem(object items, object key, object value) except -1
    object PyDict_Copy(object items)
    object PySequence_List(object items)
    int PyList_SetItem(object items, Py_ssize_t at, object value) except -1
    void Py_DECREF(PyObject *value)
    void Py_XDECREF(PyObject *value)


cdef enum:
    #: The depth at which a walk first checks whether a value contains itself.
    FIRST_CHECK = 64


@cython.final
cdef class Walk:
    """A walk through a value: the containers from the root to the current value, and the position in each.

    Each container is copied before the first change in it, and not at all if nothing in it changes.
    """

    def __cinit__(self):
        self._next_check = FIRST_CHECK

    def __dealloc__(self):
        cdef Py_ssize_t at
        for at in range(self._depth):
            Py_DECREF(self._frames[at].source)
            Py_XDECREF(self._frames[at].target)
        PyMem_Free(self._frames)

    cdef int push(self, object container) except -1:
        """Enter a container."""
        cdef frame *frames
        cdef Py_ssize_t cap
        if self._depth == self._cap:
            cap = 2 * self._cap if self._cap else 32
            frames = <frame *>PyMem_Realloc(self._frames, <size_t>cap * sizeof(frame))
            if frames is NULL:
                raise MemoryError
            self._frames = frames
            self._cap = cap
        if self._depth == self._next_check:
            self._refuse_cycle()
        Py_INCREF(container)
        self._frames[self._depth] = frame(<PyObject *>container, NULL, NULL, NULL, 0)
        self._depth += 1
        return 0

    cdef int _refuse_cycle(self) except -1:
        """Raise if a container is in the path twice.

        In a value that contains itself, the path would grow forever. So it suffices to check when its length doubles.
        """
        cdef Py_ssize_t at
        cdef set seen = set()
        for at in range(self._depth):
            seen.add(<size_t>self._frames[at].source)
        if len(seen) < self._depth:
            raise RecursionError("a value contains itself")
        self._next_check = 2 * self._depth
        return 0

    cdef object pop(self):
        """Leave a container, and return it, or its changed copy."""
        cdef frame *top
        cdef object result
        self._depth -= 1
        top = &self._frames[self._depth]
        result = <object>(top.source if top.target is NULL else top.target)
        Py_XDECREF(top.target)
        Py_DECREF(top.source)
        return result

    cdef PyObject *next(self) except? NULL:
        """Go to the next value of the innermost container, and return it; NULL: there is none left."""
        cdef frame *top = &self._frames[self._depth - 1]
        cdef object source = <object>top.source
        top.original = NULL
        if PyList_CheckExact(source):
            if top.next < PyList_GET_SIZE(source):
                top.original = PyList_GET_ITEM(source, top.next)
                top.next += 1
        elif PyTuple_CheckExact(source):
            if top.next < PyTuple_GET_SIZE(source):
                top.original = PyTuple_GET_ITEM(source, top.next)
                top.next += 1
        elif not PyDict_Next(source, &top.next, &top.key, &top.original):
            return NULL
        return top.original

    cdef int _replace(self, object value) except -1:
        """Replace the current value, and copy the container before the first change."""
        cdef frame *top = &self._frames[self._depth - 1]
        cdef object copy
        if top.target is NULL:
            source = <object>top.source
            copy = PyDict_Copy(source) if PyDict_CheckExact(source) else PySequence_List(source)
            Py_INCREF(copy)
            top.target = <PyObject *>copy
        copy = <object>top.target
        if PyDict_CheckExact(copy):
            PyDict_SetItem(copy, <object>top.key, value)
        else:
            Py_INCREF(value)  # PyList_SetItem takes over a reference
            PyList_SetItem(copy, top.next - 1, value)
        return 0

    cdef PyObject *advance(self, object result) except? NULL:
        """Put ``result`` in the place of the current value, leave containers that end, and return the next value.

        NULL: the walk has ended, and ``result`` is the changed root.
        """
        cdef PyObject *value
        while self._depth > 0:
            if self._frames[self._depth - 1].original != <PyObject *>result:
                self._replace(result)
            value = self.next()
            if value is not NULL:
                return value
            result = self.pop()
        self.result = result
        return NULL

    cdef int put(self, object value) except -1:
        """Replace the current value in place, without copying its container."""
        cdef frame *top = &self._frames[self._depth - 1]
        cdef object source = <object>top.source
        if PyDict_CheckExact(source):
            PyDict_SetItem(source, <object>top.key, value)
        else:
            Py_INCREF(value)  # PyList_SetItem takes over a reference
            PyList_SetItem(source, top.next - 1, value)
        return 0
