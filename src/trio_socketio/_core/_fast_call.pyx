"""Calls a handler directly if the arguments already have the types that it expects.

Checking and calling take 0.1 µs; the same in Python would take three times as long.
"""

from cpython.object cimport PyObject
from cpython.time cimport perf_counter
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE


cdef extern from "Python.h":
    object PyObject_Vectorcall(object function, PyObject **args, size_t count, PyObject *names)
    PyObject **PySequence_Fast_ITEMS(object sequence)
    Py_ssize_t PySequence_Fast_GET_SIZE(object sequence)
    object PyContext_CopyCurrent()
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1


#: The most arguments of a direct call, besides the socket.
cdef enum:
    MOST = 8


cdef class FastCall:
    """A handler function, which is called directly if the arguments fit.

    If they do not, ``call_converted`` of the subclass is called; it converts them first.

    Attributes:
        function: the function, ``async def`` or ``def``.
    """

    def expect(self, bint takes_socket, tuple types):
        """Set which arguments fit.

        Args:
            takes_socket: whether the first argument is the socket.
            types: for each further argument the exact type that it must have, or None for any type. None instead of a
                tuple: no arguments fit.
        """
        self._takes_socket = takes_socket
        self._types = types

    cdef bint _fit(self, object args) except -1:
        cdef PyObject **given
        cdef Py_ssize_t at
        if self._types is None or type(args) is not list:
            return False
        if PyTuple_GET_SIZE(self._types) != PySequence_Fast_GET_SIZE(args) or PySequence_Fast_GET_SIZE(args) > MOST:
            return False
        given = PySequence_Fast_ITEMS(args)
        for at in range(PySequence_Fast_GET_SIZE(args)):
            expected = <object>PyTuple_GET_ITEM(self._types, at)
            if expected is not None and type(<object>given[at]) is not expected:
                return False
        return True

    cdef object _call(self, object socket, object args, object ack):
        cdef PyObject *stack[1 + MOST]
        cdef PyObject **given
        cdef Py_ssize_t count = 0
        cdef Py_ssize_t at
        if not self._fit(args):
            return self.call_converted(socket, args, ack)
        given = PySequence_Fast_ITEMS(args)
        if self._takes_socket:
            stack[0] = <PyObject *>socket
            count = 1
        for at in range(PySequence_Fast_GET_SIZE(args)):
            stack[count] = given[at]
            count += 1
        return PyObject_Vectorcall(self.function, stack, <size_t>count, NULL)

    def call(self, socket, args, ack):
        """Call the function with an event's arguments, and return its result."""
        return self._call(socket, args, ack)

    def call_apart(self, socket, args, ack, double limit, slow):
        """Call the function as ``call`` does, in a copy of the current context.

        Context variables that the function sets do not affect other calls. If the call takes longer than ``limit``
        seconds, ``slow(self, seconds)`` is called after it.
        """
        cdef double started = perf_counter()
        cdef double took
        context = PyContext_CopyCurrent()
        PyContext_Enter(context)
        try:
            return self._call(socket, args, ack)
        finally:
            PyContext_Exit(context)
            took = perf_counter() - started
            if took > limit:
                slow(self, took)
