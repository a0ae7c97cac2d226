"""Serves the HTTP connections over plain sockets that need no task, in one task for all of them."""

from __future__ import annotations

import logging
import select
import sys
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

#: The exceptions that end one connection. An interrupt also stops the server, in order.
CONTAINED = (Exception, BaseExceptionGroup, KeyboardInterrupt, SystemExit)


class HttpReactor:
    """Waits for many HTTP connections with one epoll instance. It costs half as much as a task for each connection.

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
        #: descriptors on which data has arrived, which the last turn left to the next one
        self._arrived: list[int] = []
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
                    self._turn()
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
                break

    def _turn(self) -> bool:
        """Read from connections on which data has arrived; return whether there may be more of them."""
        turn = Turn(CONNECTIONS_BETWEEN_CHECKPOINTS, TURN_SECONDS)
        while self._arrived or self._poll():
            descriptor = self._arrived.pop()
            if descriptor in self._watched:  # it may be closed by now, or a task may write to it
                connection = self.connections[descriptor]
                self._guard(connection, connection.readable)
            if turn.is_over():
                return True
        return False

    def _poll(self) -> bool:
        """Ask on which connections data has arrived; return whether there are any."""
        arrived = self._epoll.poll(0, CONNECTIONS_BETWEEN_CHECKPOINTS)
        self._arrived = [descriptor for descriptor, _ in reversed(arrived)]
        return bool(arrived)

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
            self._epoll.register(connection.descriptor, select.EPOLLIN)
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
