"""Serves the HTTP connections over plain sockets that need no task, in one task for all of them."""

from __future__ import annotations

import logging
import select
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import trio

from trio_socketio._passing import passes
from trio_socketio.net._http1 import GONE, Http1Connection
from trio_socketio.net._rest import HttpShared
from trio_socketio.net._taskless import TasklessConnection
from trio_socketio.net._turn import Turn
from trio_socketio.net._waiting_poll import Write

__all__ = ["HttpReactor"]

#: The most connections that are read before other tasks run, and the longest time that this may take, in seconds. Less
#: than a turn of the WebSockets: when many clients connect at once, the open ones come first.
CONNECTIONS_BETWEEN_CHECKPOINTS, TURN_SECONDS = 32, 0.0005

#: The most events to ask epoll for at once: more than a turn reads, to find open clients behind many new ones.
EVENTS = 128

#: The exceptions that end one connection. An interrupt also stops the server, in order.
CONTAINED = (Exception, BaseExceptionGroup, KeyboardInterrupt, SystemExit)


class HttpReactor:
    """Waits for many HTTP connections with one epoll instance. It costs half as much as a task for each connection.

    Connections are read in the order in which data has arrived. Only when many wait, those that were read before come
    before new ones, so that open clients need not wait while thousands of others connect. Each turn reads at least one
    new connection. epoll reports these only once, because they may wait for many turns.

    Args:
        shared: what all connections share.
        logger: for internal errors.

    Attributes:
        connections: the connections, by their descriptors.
        on_idle: called when the last connection has gone.
    """

    def __init__(self, shared: HttpShared, logger: logging.Logger) -> None:
        assert sys.platform == "linux"
        self.connections: dict[int, TasklessConnection] = {}
        self.on_idle: Callable[[], None] = lambda: None
        self._shared = shared
        self._logger = logger
        self._watched: set[int] = set()
        #: descriptors of connections that were not read yet
        self._new: set[int] = set()
        #: descriptors on which data has arrived, in the order in which they are read
        self._arrived: deque[int] = deque()
        #: new ones of them, which the last turn did not read; these come after ``_arrived``
        self._deferred: deque[int] = deque()
        self._epoll = select.epoll()
        self._nursery: trio.Nursery

    @classmethod
    def make(cls, shared: HttpShared, logger: logging.Logger) -> HttpReactor | None:
        """Create a reactor; return None if the platform has no epoll."""
        return cls(shared, logger) if sys.platform == "linux" else None

    def begin(self, http: Http1Connection, done: Callable[[TasklessConnection], None]) -> TasklessConnection:
        """Serve a connection over a plain socket.

        Args:
            http: the connection.
            done: called once, when the connection is closed or must be served by a task; see ``TasklessConnection``.
        """
        connection = TasklessConnection(self._shared, http, self, done)
        closed = self.connections.get(connection.descriptor)  # the caller of ``serve_stream`` has closed it
        if closed is not None:
            self._guard(closed, closed.cancel)
        self.connections[connection.descriptor] = connection
        self._new.add(connection.descriptor)
        self._guard(connection, connection.begin)
        return connection

    def stop(self) -> None:
        """Close the connections that wait for a request, because the server stops."""
        for connection in list(self.connections.values()):
            connection.stop()

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Serve connections until cancelled. All of them are then closed."""
        try:
            async with trio.open_nursery() as self._nursery:
                while True:
                    await trio.lowlevel.wait_readable(self._epoll.fileno())
                    while self._turn():
                        await trio.lowlevel.checkpoint()
        finally:
            for connection in list(self.connections.values()):
                self._guard(connection, connection.cancel)
            trio.lowlevel.notify_closing(self._epoll.fileno())
            self._epoll.close()

    async def read_once(self) -> None:
        """Read once from every connection on which data has arrived by now."""
        for _ in range(len(self.connections)):
            await trio.lowlevel.checkpoint()
            if not self._turn():
                return
        self._defer_new()
        self._report_deferred_again()

    def _turn(self) -> bool:
        """Read from connections on which data has arrived; return whether there may be more of them."""
        turn = Turn(CONNECTIONS_BETWEEN_CHECKPOINTS, TURN_SECONDS)
        if self._deferred and (self._arrived or self._poll()):  # others may take the whole turn
            self._read(self._deferred.popleft())
        while self._arrived or self._poll() or self._deferred:
            self._read((self._arrived or self._deferred).popleft())
            if turn.is_over():
                if len(self._arrived) >= CONNECTIONS_BETWEEN_CHECKPOINTS:
                    self._defer_new()
                return True
        return False

    def _poll(self) -> bool:
        """Ask on which connections data has arrived; return whether there are any to read before deferred ones."""
        self._arrived.extend(descriptor for descriptor, _ in self._epoll.poll(0, EVENTS))
        if self._deferred:
            self._defer_new()
        return bool(self._arrived)

    def _defer_new(self) -> None:
        """Let the new connections on which data has arrived wait until all others are read."""
        arrived, self._arrived = self._arrived, deque()
        for descriptor in arrived:
            (self._deferred if descriptor in self._new else self._arrived).append(descriptor)

    def _report_deferred_again(self) -> None:
        """Give the deferred connections back to epoll, so that ``run`` wakes up and reads them."""
        for descriptor in self._deferred:
            if descriptor in self._new:
                self._modify(descriptor, select.EPOLLIN | select.EPOLLONESHOT)
        self._deferred.clear()

    def _read(self, descriptor: int) -> None:
        """Read from a connection, unless it is closed by now, or a task writes to it."""
        if descriptor not in self._watched:
            return
        connection = self.connections[descriptor]
        self._guard(connection, connection.readable)
        if descriptor in self._new:
            self._new.discard(descriptor)
            self._modify(descriptor, select.EPOLLIN)

    def _modify(self, descriptor: int, events: int) -> None:
        if descriptor in self._watched:
            with suppress(OSError):  # as in ``unwatch``
                self._epoll.modify(descriptor, events)

    def _guard(self, connection: TasklessConnection, function: Callable[[], None]) -> None:
        try:
            function()
        except CONTAINED as error:
            self._failed(connection, error)

    def _failed(self, connection: TasklessConnection, error: BaseException) -> None:
        """Close a connection after an exception. A bug in one connection must not end the others."""
        connection.cancel()
        if passes(error):
            self._shared.service.interrupted(error)
        elif not isinstance(error, (*GONE, trio.TooSlowError)):
            self._logger.critical("internal error in an HTTP connection: it is closed", exc_info=error)

    # called by the connections

    def watch(self, connection: TasklessConnection) -> None:
        """Call ``readable`` of a connection whenever bytes, or the end, have arrived."""
        if connection.descriptor not in self._watched:
            once = select.EPOLLONESHOT if connection.descriptor in self._new else 0
            self._epoll.register(connection.descriptor, select.EPOLLIN | once)
            self._watched.add(connection.descriptor)

    def unwatch(self, connection: TasklessConnection) -> None:
        """Stop watching a connection; do nothing if it is not watched."""
        if connection.descriptor in self._watched:
            self._watched.discard(connection.descriptor)
            with suppress(OSError):  # the caller of ``serve_stream`` may have closed it
                self._epoll.unregister(connection.descriptor)

    def forget(self, connection: TasklessConnection) -> None:
        """Remove a connection that is closed, or that a task serves from now on."""
        self.unwatch(connection)
        self._new.discard(connection.descriptor)
        del self.connections[connection.descriptor]
        if not self.connections:
            self.on_idle()

    def start(self, connection: TasklessConnection, write: Write) -> None:
        """Start a task that writes a response."""
        self._nursery.start_soon(self._write, connection, write, name="response")

    async def _write(self, connection: TasklessConnection, write: Write) -> None:
        try:
            await write()
        except CONTAINED as error:
            self._failed(connection, error)
