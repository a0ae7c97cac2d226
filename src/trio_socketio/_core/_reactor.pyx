"""The reactor, over ``csrc/reactor.h``: reads from and writes to thousands of WebSockets."""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.pythread cimport PyThread_get_thread_ident
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.errno cimport errno
from libc.string cimport memset
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from trio_socketio._core._base cimport TSIO_E_SYSTEM, TSIO_OK
from trio_socketio._core._conn cimport (
    TSIO_CONN_BINARY,
    TSIO_CONN_NEED_MORE,
    TSIO_CONN_TEXT,
    TSIO_NO_SLOT,
    Connection,
    FlushList,
    decode_event,
    tsio_conn_event,
    tsio_conn_has_input,
    tsio_conn_has_output,
    tsio_conn_keep,
    tsio_conn_mark_dirty,
    tsio_conn_next,
)
from trio_socketio._core._message cimport tsio_dialect_is_revision3


cdef double _now() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <double>now.tv_sec + <double>now.tv_nsec * 1e-9


cdef int _check_system(tsio_status status) except -1:
    if status == TSIO_E_SYSTEM:
        raise OSError(errno, "the reactor")
    if status != TSIO_OK:
        raise MemoryError("the reactor")
    return 0


@cython.final
cdef class Reactor:
    """Serves the WebSockets of one server over plain sockets, with one epoll instance for all of them.

    The reactor never waits. Its owner waits until ``epoll_fd`` is readable or a connection has become dirty, and then
    calls ``turn``. All connections are fed from one buffer, without copying. The messages of a connection go to its
    ``observer``; everything else goes to its ``transport``, which must be a ``ReactorTransport``.

    Args:
        flush_list: is notified when a connection has output.
        packets_per_turn: how many packets of one connection are handed over in a row; a large one counts as several.
        turn_seconds: about how long one turn may take for reading, and for each list of connections to be written.

    Raises:
        OSError: there is no descriptor left.
    """

    cdef tsio_reactor _reactor
    cdef FlushList _flush_list
    cdef list _backlog  # (slot, generation) of connections with unparsed input, for which epoll reports no event
    cdef int _packets_per_turn
    cdef double _turn_seconds

    def __cinit__(self, FlushList flush_list not None, *, int packets_per_turn=32, double turn_seconds=0.001):
        memset(&self._reactor, 0, sizeof(self._reactor))
        self._reactor.epoll_fd = -1
        _check_system(tsio_reactor_init(&self._reactor))
        self._flush_list = flush_list
        self._flush_list._lists = &self._reactor.dirty
        self._backlog = []
        self._packets_per_turn = packets_per_turn
        self._turn_seconds = turn_seconds

    def __dealloc__(self):
        self._free()

    def close(self):
        """Close all sockets and the epoll instance."""
        self._free()

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

    # connections

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

    # turns

    def turn(self, double now):
        """Read and hand over input, then write queued output; return whether more is left to do.

        Args:
            now: the time for heartbeats and observers, in seconds.
        """
        self._reactor.now = now
        self._flush_list._told = True  # connections that become dirty from here on are written below
        self._flush_list._turning = PyThread_get_thread_ident()
        try:
            more = self._read(now)
            more |= self._write()
        finally:
            self._flush_list._told = False
            self._flush_list._turning = 0
        return more or bool(self._backlog)

    cdef bint _read(self, double now) except -1:
        cdef tsio_ready ready
        cdef tsio_conn *conn
        cdef double end = _now() + self._turn_seconds
        cdef bint more = False
        cdef list backlog = self._backlog
        self._backlog = []
        try:
            if tsio_reactor_begin_pass(&self._reactor):
                while tsio_reactor_next(&self._reactor, &ready):
                    conn = tsio_reactor_conn(&self._reactor, ready.slot, ready.generation)
                    if ready.hung_up:
                        self._report(<Connection>conn.owner, tsio_reactor_hang_up(&self._reactor, conn))
                        conn = tsio_reactor_conn(&self._reactor, ready.slot, ready.generation)
                        if conn is NULL:
                            continue
                    if ready.writable:
                        tsio_reactor_unblock(conn)
                    if ready.readable and not tsio_conn_has_input(conn):
                        self._receive(conn, ready.slot, ready.generation, now, end)
                    if _now() > end:
                        more = True  # the next turn begins with the remaining connections
                        break
        except BaseException:  # for example KeyboardInterrupt: the program stops
            self._backlog = backlog + self._backlog
            raise
        else:
            self._go_on(backlog, now)
        finally:
            tsio_reactor_end_pass(&self._reactor)
        return more

    cdef int _go_on(self, list backlog, double now) except -1:
        """Hand over input that is left from earlier turns, the oldest first, for a limited time."""
        cdef tsio_conn *conn
        cdef double end = _now() + self._turn_seconds
        cdef Py_ssize_t served = 0
        try:
            for slot, generation in backlog:
                served += 1
                conn = tsio_reactor_conn(&self._reactor, slot, generation)
                if conn is not NULL:
                    (<Connection>conn.owner)._is_put_off = False
                    self._hand_over(slot, generation, now, end)
                if _now() > end:
                    break
        finally:
            self._backlog = backlog[served:] + self._backlog
        return 0

    cdef int _receive(
        self, tsio_conn *conn, uint32_t slot, uint32_t generation, double now, double end
    ) except -1:
        cdef tsio_io_status status = tsio_reactor_read(&self._reactor, conn)
        if status == TSIO_IO_OK:
            self._hand_over(slot, generation, now, end)
        elif status == TSIO_IO_EOF or status == TSIO_IO_BROKEN:
            self._report(<Connection>conn.owner, status)
        return 0

    cdef int _report(self, Connection connection, tsio_io_status status) except -1:
        """Report the result of reading or writing to the transport. If it raises, only this connection fails."""
        cdef int error = errno
        transport = connection.transport
        try:
            if status == TSIO_IO_EOF:
                transport.ended()
            elif status == TSIO_IO_BROKEN:
                transport.broken(error)
            else:
                transport.flushed()
        except Exception as failure:
            transport.failed(failure)
        return 0

    cdef int _hand_over(self, uint32_t slot, uint32_t generation, double now, double end) except -1:
        """Hand over packets of one connection, at least one, for a limited time.

        Handling a packet may end any connection, or move the socket of this one. How long it takes is not known in
        advance: a kilobyte may inflate to a megabyte, and plain handlers run. So the time is checked after each packet.
        """
        cdef tsio_conn *conn
        cdef tsio_conn_event event
        cdef tsio_status status
        cdef Connection connection
        cdef int handed = 0
        while True:
            conn = tsio_reactor_conn(&self._reactor, slot, generation)
            if conn is NULL:
                return 0
            connection = <Connection>conn.owner
            if conn.paused or handed >= self._packets_per_turn or (handed and _now() > end):
                self._keep(conn)
                return self._settle(slot, generation)
            status = tsio_conn_next(conn, now, &event)
            if status == TSIO_OK and event.kind == TSIO_CONN_NEED_MORE:
                return self._settle(slot, generation)
            handed += 1 + <int>(event.len >> 16)
            try:
                self._dispatch(connection, status, &event, now)
            except Exception as error:
                connection.transport.failed(error)
            except BaseException:  # for example KeyboardInterrupt: the program stops
                conn = tsio_reactor_conn(&self._reactor, slot, generation)
                if conn is not NULL:
                    self._keep(conn)
                raise
            if status != TSIO_OK:  # further input is ignored
                return 0

    cdef int _settle(self, uint32_t slot, uint32_t generation) except -1:
        """Process effects of parsed input: the answer to a WebSocket ping is output, and the heartbeat sets timers."""
        cdef tsio_conn *conn = tsio_reactor_conn(&self._reactor, slot, generation)
        cdef Connection connection
        if conn is not NULL:
            connection = <Connection>conn.owner
            if tsio_conn_has_output(conn):
                tsio_conn_mark_dirty(conn, True)
            connection._wheel.scheduled(&conn.timer)  # may call Python
        return 0

    cdef int _dispatch(
        self, Connection connection, tsio_status status, const tsio_conn_event *event, double now
    ) except -1:
        """Pass a message of an open session to its observer, and anything else to the transport."""
        cdef c_bool is_open = status == TSIO_OK and connection._conn.open
        if is_open and event.kind == TSIO_CONN_TEXT and event.len > 0 and event.data[0] == c"4":
            # Copied: for a chat message, a copy is cheaper than a view of the buffer, and it may outlive the turn.
            connection.observer.text(
                PyBytes_FromStringAndSize(<const char *>event.data + 1, <Py_ssize_t>event.len - 1), now
            )
        elif is_open and event.kind == TSIO_CONN_BINARY and not tsio_dialect_is_revision3(connection._conn.dialect):
            connection.observer.binary(
                PyBytes_FromStringAndSize(<const char *>event.data, <Py_ssize_t>event.len), now
            )
        else:
            connection.transport.receive(decode_event(status, event), now)
        return 0

    cdef int _keep(self, tsio_conn *conn) except -1:
        if tsio_conn_keep(conn) != TSIO_OK:
            (<Connection>conn.owner).transport.failed(MemoryError("input of a WebSocket"))
        elif tsio_conn_has_input(conn) and not conn.paused:
            self._put_off(conn)
        return 0

    cdef bint _write(self) except -1:
        """Write the output of dirty connections, each list for a limited time; return whether any are left."""
        self._flush(&self._reactor.dirty.urgent)
        self._flush(&self._reactor.dirty.bulk)
        return tsio_reactor_has_dirty(&self._reactor)

    cdef int _flush(self, tsio_link *dirty) except -1:
        cdef tsio_front *front = NULL
        cdef tsio_io_status status = TSIO_IO_OK
        cdef double end = _now() + self._turn_seconds
        while True:
            with nogil:
                while True:
                    front = NULL if _now() > end else tsio_reactor_next_dirty(&self._reactor, dirty)
                    if front is NULL:
                        break
                    status = tsio_reactor_flush(&self._reactor, front)
                    if status == TSIO_IO_BROKEN or front.watched:
                        break
            if front is NULL:
                return 0
            self._report(<Connection>front.conn.owner, status)
