"""The reactor, over ``csrc/reactor.h``: reads from and writes to thousands of WebSockets."""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.pythread cimport PyThread_get_thread_ident
from libc.errno cimport errno
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from trio_socketio._core._base cimport TSIO_OK, c_bool, tsio_status
from trio_socketio._core._conn_state cimport tsio_conn, tsio_conn_has_output, tsio_front, tsio_link
from trio_socketio._core._connection cimport (
    TSIO_CONN_BINARY,
    TSIO_CONN_NEED_MORE,
    TSIO_CONN_TEXT,
    Connection,
    decode_event,
    tsio_conn_event,
    tsio_conn_has_input,
    tsio_conn_keep,
    tsio_conn_mark_dirty,
    tsio_conn_next,
)
from trio_socketio._core._message cimport tsio_dialect_is_revision3
from trio_socketio._core._reactor_sockets cimport (
    ReactorSockets,
    tsio_reactor_generation,
    tsio_reactor_has_dirty,
)


cdef double _now() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <double>now.tv_sec + <double>now.tv_nsec * 1e-9


@cython.final
cdef class Reactor(ReactorSockets):
    """Serves the WebSockets of one server over plain sockets, with one epoll instance for all of them.

    The reactor never waits. Its owner waits until ``epoll_fd`` is readable or a connection has become dirty, and then
    calls ``turn``. All connections are fed from one buffer, without copying. The messages of a connection go to its
    ``observer``; everything else goes to its ``transport``, which must be a ``ReactorTransport``.

    Takes the arguments of ``ReactorSockets``.
    """

    def turn(self, double now):
        """Read and hand over input, write queued output, then handle ends; return whether more is left to do.

        When a network fails, thousands of connections end at once, and to end a session takes 40 µs. Other clients do
        not wait for that.

        Args:
            now: the time for heartbeats and observers, in seconds.
        """
        self._reactor.now = now
        self._flush_list._told = True  # connections that become dirty from here on are written below
        self._flush_list._turning = PyThread_get_thread_ident()
        try:
            more = self._read(now)
            self._write()
            self._end(now)
        finally:
            self._flush_list._told = False
            self._flush_list._turning = 0
        return more or tsio_reactor_has_dirty(&self._reactor) or bool(self._backlog) or bool(self._ended)

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
                        self._ended.setdefault((ready.slot, ready.generation), 0)
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
            self._report(<Connection>conn.owner, status, errno)
        return 0

    cdef int _end(self, double now) except -1:
        """Serve connections that have ended, at least one, for a limited time."""
        cdef double end = _now() + self._turn_seconds
        cdef Py_ssize_t left = len(self._ended)
        cdef uint32_t slot, generation
        cdef int error
        cdef bint goes_on
        while left:
            left -= 1
            (slot, generation), error = self._ended.popitem(last=False)
            goes_on = True
            try:
                goes_on = self._read_last(slot, generation, error, now, end)
            finally:  # after a KeyboardInterrupt, too: epoll does not report the end again
                if goes_on:
                    self._ended[slot, generation] = error
            if _now() > end:
                break
        return 0

    cdef bint _read_last(self, uint32_t slot, uint32_t generation, int error, double now, double end) except -1:
        """Read once from a connection that has ended; report the end if nothing is left.

        Args:
            error: the errno of a failed write; 0: none has failed.

        Returns:
            Whether the connection may have more input.
        """
        cdef tsio_conn *conn = tsio_reactor_conn(&self._reactor, slot, generation)
        cdef tsio_io_status status
        if conn is NULL:
            return False
        if conn.paused:
            status = tsio_reactor_hang_up(&self._reactor, conn)
        elif tsio_conn_has_input(conn):  # it is in the backlog
            return True
        else:
            status = tsio_reactor_read(&self._reactor, conn)
        if status == TSIO_IO_OK:
            self._hand_over(slot, generation, now, end)
            return True
        if error:
            status = TSIO_IO_BROKEN
        elif status == TSIO_IO_WAIT:
            return True
        else:
            error = errno
        self._report(<Connection>conn.owner, status, error)
        return False

    cdef int _report(self, Connection connection, tsio_io_status status, int error) except -1:
        """Report the result of reading or writing to the transport. If it raises, only this connection fails."""
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

    cdef int _write(self) except -1:
        """Write the output of dirty connections, each list for a limited time."""
        self._flush(&self._reactor.dirty.urgent)
        self._flush(&self._reactor.dirty.bulk)
        return 0

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
            if status == TSIO_IO_BROKEN:
                self._write_failed(front.conn, errno)
            else:
                self._report(<Connection>front.conn.owner, status, 0)

    cdef int _write_failed(self, tsio_conn *conn, int error) except -1:
        """Report a failed write when the last input is handed over. Until then, further writes fail, too."""
        ended = (conn.slot, tsio_reactor_generation(&self._reactor, conn))
        self._ended[ended] = self._ended.get(ended) or error
        return 0
