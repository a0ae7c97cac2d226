"""The sockets of a reactor, over ``csrc/reactor.h``: how they are added, removed, moved and paused."""

from collections import OrderedDict

from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.errno cimport errno
from libc.string cimport memset

from trio_socketio._core._base cimport TSIO_E_SYSTEM, TSIO_OK
from trio_socketio._core._conn_state cimport TSIO_NO_SLOT, tsio_conn_has_output
from trio_socketio._core._connection cimport tsio_conn_has_input


cdef int _check_system(tsio_status status) except -1:
    if status == TSIO_E_SYSTEM:
        raise OSError(errno, "a system call of the reactor failed")
    if status != TSIO_OK:
        raise MemoryError("the reactor")
    return 0


cdef class ReactorSockets:
    """The sockets that one epoll instance observes, and the connections that they belong to.

    Args:
        flush_list: is notified when a connection has output.
        packets_per_turn: how many packets of one connection are handed over in a row; a large one counts as several.
        turn_seconds: about how long one turn may take for reading, and for each list of connections to be written.

    Raises:
        OSError: there is no descriptor left.
    """

    def __cinit__(self, FlushList flush_list not None, *, int packets_per_turn=32, double turn_seconds=0.001):
        memset(&self._reactor, 0, sizeof(self._reactor))
        self._reactor.epoll_fd = -1
        _check_system(tsio_reactor_init(&self._reactor))
        self._flush_list = flush_list
        self._flush_list._lists = &self._reactor.dirty
        self._backlog = []
        self._ended = OrderedDict()
        self._packets_per_turn = packets_per_turn
        self._turn_seconds = turn_seconds

    def __dealloc__(self):
        self._free()

    def close(self):
        """Close all sockets and the epoll instance. Afterwards ``turn`` does nothing."""
        self._free()
        self._backlog.clear()
        self._ended.clear()

    cdef void _free(self) noexcept:
        cdef uint32_t slot
        for slot in range(self._reactor.cap):
            if self._reactor.slots[slot].conn is not NULL:
                self._remove(<Connection>self._reactor.slots[slot].conn.owner)
        if self._flush_list is not None:
            self._flush_list._lists = NULL
        tsio_reactor_free(&self._reactor)

    @property
    def epoll_fd(self):
        """The descriptor of the epoll instance. When it is readable, call ``turn``."""
        return self._reactor.epoll_fd

    @property
    def has_dirty(self):
        """Whether a connection has output that its socket may be able to take."""
        return bool(tsio_reactor_has_dirty(&self._reactor))

    @property
    def in_round(self):
        """Whether a connection that was dirty when the round began has not been offered to the kernel yet."""
        return bool(tsio_reactor_in_round(&self._reactor))

    def begin_round(self):
        """Begin a round. Precondition: none is in progress. Connections that become dirty later do not belong to it."""
        tsio_reactor_begin_round(&self._reactor)

    def __len__(self):
        return self._reactor.count

    @property
    def passes(self):
        """How many passes it takes to serve every connection that may be ready."""
        return self._reactor.count // TSIO_READY_EVENTS + 1

    @property
    def in_pass(self):
        """Whether some connections that were reported as ready are not served yet."""
        return self._reactor.ready_next < self._reactor.ready_count

    @property
    def ending(self):
        """How many connections have ended, but are not reported yet. A turn serves one of them at least."""
        return len(self._ended)

    def add(self, Connection connection not None, int fd):
        """Take over a connected, non-blocking socket. The reactor closes it when the connection is removed.

        Raises:
            OSError, MemoryError: the socket is not taken over, and the caller must close it.
        """
        _check_system(tsio_reactor_add(&self._reactor, &connection._conn, fd))
        Py_INCREF(connection)  # keep it alive until it is removed
        connection._flush_list = self._flush_list
        if tsio_conn_has_input(&connection._conn):
            self._put_off(&connection._conn)
        elif tsio_conn_has_output(&connection._conn):
            self._flush_list.poke()

    def remove(self, Connection connection not None):
        """Remove a connection, and close its socket. Do nothing if the connection is not in the reactor."""
        self._remove(connection)

    cdef void _remove(self, Connection connection) noexcept:
        if connection._conn.slot != TSIO_NO_SLOT:
            tsio_reactor_remove(&self._reactor, &connection._conn)
            connection._flush_list = None
            Py_DECREF(connection)

    def move(self, Connection source not None, Connection target not None):
        """Move the socket of ``source`` to ``target``, which adopts its WebSocket."""
        if source._conn.slot != TSIO_NO_SLOT:
            tsio_reactor_move(&self._reactor, &source._conn, &target._conn)
            source._flush_list = None
            target._flush_list = self._flush_list
            Py_INCREF(target)
            Py_DECREF(source)

    def resume(self, Connection connection not None):
        """Continue reading. Input that was read already is handed over in the next turn."""
        _check_system(tsio_reactor_resume(&self._reactor, &connection._conn))
        if connection._conn.slot != TSIO_NO_SLOT and tsio_conn_has_input(&connection._conn):
            self._put_off(&connection._conn)

    def descriptor(self, Connection connection not None):
        """Return the descriptor of a connection's socket; -1: the connection is not in the reactor."""
        if connection._conn.slot == TSIO_NO_SLOT:
            return -1
        return self._reactor.slots[connection._conn.slot].fd

    def shutdown(self, Connection connection not None):
        """End the server's half of a connection, because nothing more will be written."""
        tsio_reactor_shutdown(&self._reactor, &connection._conn)

    cdef int _put_off(self, tsio_conn *conn) except -1:
        cdef Connection connection = <Connection>conn.owner
        if connection._is_put_off:
            return 0
        connection._is_put_off = True
        self._backlog.append((conn.slot, tsio_reactor_generation(&self._reactor, conn)))
        if not self._flush_list._told:
            self._flush_list.on_dirty()
            self._flush_list._told = True
        return 0
