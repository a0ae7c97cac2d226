"""Serves an engine over streams: runs each connection, and the tasks that all connections share."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import trio

from trio_socketio._core import Connection, TimerEvent
from trio_socketio._signal import Signal
from trio_socketio.engineio import Engine, PollingTransport
from trio_socketio.net._accepting import Acceptor
from trio_socketio.net._files import Files
from trio_socketio.net._handover import Handover, OtherProcesses
from trio_socketio.net._head_parsers import HttpChoice, head_parser
from trio_socketio.net._health import Health, HostState
from trio_socketio.net._http1 import GONE, Http1Connection
from trio_socketio.net._http_reactor import HttpReactor
from trio_socketio.net._http_timeouts import HttpLimits, HttpTimeouts
from trio_socketio.net._overdue import Arrivals, Overdue
from trio_socketio.net._reactor_driver import ReactorDriver
from trio_socketio.net._reactor_host import ReactorHost
from trio_socketio.net._requests import Requests
from trio_socketio.net._rest import HttpShared, Rest
from trio_socketio.net._serialiser import Serialiser
from trio_socketio.net._service import EngineService
from trio_socketio.net._site import Site
from trio_socketio.net._taskless import TasklessConnection
from trio_socketio.net._tls import TlsHandshakes
from trio_socketio.net._upgrades import Driver, Upgrades

__all__ = ["DriverChoice", "EngineHost", "HostOptions"]

#: ``"auto"``: the reactor serves plain sockets, if the platform has one. ``"stream"``: the stream driver serves all.
DriverChoice = Literal["auto", "stream"]


@dataclass(frozen=True, kw_only=True, slots=True)
class HostOptions:
    """The options of a host: paths, files, limits and the choice of driver."""

    path: str  #: the path of the engine, with a slash at its end
    flush_timeout: float  #: the longest time for the last flush of a WebSocket, in seconds
    limits: HttpLimits
    files: Files
    driver: DriverChoice
    http: HttpChoice
    add_trailing_slash: bool  #: accept the path only with its last slash
    health_path: str | None  #: the path of the health check; None: there is none


class Stoppable(Protocol):
    """A connection that uses HTTP."""

    def stop(self) -> None:
        """End a wait for a request or for the rest of a body, because the server stops."""


class EngineHost:
    """Serves an engine over streams.

    Args:
        engine: the engine, which holds the sessions.
        options: see ``HostOptions``.
        logger: for errors.

    Attributes:
        service: shared by all requests to the engine.
        site: decides which paths are the engine's, and answers requests for others.
        connections: the connections that use HTTP now, before any upgrade.
        acceptor: accepts connections.
        arrivals: reads data and accepts connections that have arrived, before overdue timers are handled.
        reactor: serves WebSockets over plain sockets; None: the platform has none, or the options exclude it.
    """

    def __init__(self, engine: Engine, options: HostOptions, logger: logging.Logger) -> None:
        self.engine = engine
        self.connections: set[Stoppable] = set()
        self.acceptor = Acceptor(logger)
        self._tls = TlsHandshakes(options.limits.header_timeout)
        self.options = options
        self.service = EngineService(engine, logger)
        paths = (options.path,) if options.add_trailing_slash else (options.path, options.path[:-1])
        self.site = Site(paths, options.files, options.health_path, self.service.health)
        self._logger = logger
        self._parse_head = head_parser(options.http)
        logger.info("%s parses the heads of requests", options.http)
        self._timeouts = HttpTimeouts(options.limits)
        self._serialiser = Serialiser(options.limits.keep_alive_timeout)
        self.reactor = ReactorHost.make(options.flush_timeout, logger) if options.driver == "auto" else None
        self._upgrades = Upgrades(self.service, self.site, self.reactor, options.flush_timeout)
        shared = HttpShared(self.service, self.site, self._timeouts, self._upgrades)
        #: serves connections that need no task; None: each connection has its own task
        self.http_reactor = None if self.reactor is None else HttpReactor.make(shared, logger)
        if self.http_reactor is not None:
            self._timeouts.read_once = self.http_reactor.read_once
        reactors = [reactor for reactor in (self.reactor, self.http_reactor) if reactor is not None]
        self.arrivals = Arrivals(reactors, engine.options.ping_interval)
        self._overdue = Overdue(self._deal_with, self.arrivals.read)
        self._overdue_polls = Overdue(self._deal_with, self.arrivals.accept_and_read)

    @property
    def is_stopping(self) -> bool:
        """Whether the host no longer waits for requests."""
        return self.service.is_stopping

    @property
    def health(self) -> Health:
        """The state of the server, as health checks report it."""
        return self.service.health()

    def drain(self) -> None:
        """Refuse new sessions."""
        if self.service.state is HostState.RUNNING:
            self.service.state = HostState.DRAINING

    def stop(self) -> None:
        """Refuse new sessions, and end connections that wait for a request, its body, or a TLS handshake."""
        self.service.state = HostState.STOPPING
        for connection in self.connections:
            connection.stop()
        if self.http_reactor is not None:
            self.http_reactor.stop()
        self._tls.stop()

    def hand_over_to(self, others: OtherProcesses) -> None:
        """Hand connections with requests for sessions of other processes over to these."""
        self.service.handover = Handover(others, self.service, self.site)

    def begin(
        self, stream: trio.abc.Stream, done: Callable[[TasklessConnection], None]
    ) -> TasklessConnection | None:
        """Serve a connection without a task as far as possible.

        Args:
            stream: the connection.
            done: called once, possibly before this returns: when the connection is closed, or has a ``rest`` for
                ``serve``.

        Returns:
            The connection; None: it needs a task from the beginning, and ``done`` is not called.
        """
        if self.http_reactor is None or self.is_stopping or not isinstance(stream, trio.SocketStream):
            return None
        return self.http_reactor.begin(self._new_http(stream), done)

    async def serve_alone(self, stream: trio.abc.Stream) -> ReactorDriver | None:
        """Serve one connection as ``begin`` and ``serve`` do, and wait until it ends or the reactor takes it over.

        Returns and cancellation as for ``serve``.
        """
        done = trio.Event()
        connection = self.begin(stream, lambda _: done.set())
        if connection is None:
            return await self.serve(stream)
        try:
            if not done.is_set():
                await done.wait()
        except trio.Cancelled:
            connection.cancel()
            # The reactor, or a task, may have taken it over while the cancellation was on its way.
            if connection.driver is not None:
                connection.driver.drop()
            if connection.rest is not None:  # the task is cancelled where it waits first
                await self.serve(stream, b"", connection.rest)
            raise
        if connection.rest is None:
            return connection.driver
        return await self.serve(stream, b"", connection.rest)

    def _new_http(self, stream: trio.abc.Stream) -> Http1Connection:
        return Http1Connection(stream, self._timeouts, self._serialiser, self._parse_head)

    async def serve(
        self, stream: trio.abc.Stream, received: bytes = b"", rest: Rest | None = None
    ) -> ReactorDriver | None:
        """Serve one connection until it ends, and close it; or until the reactor takes it over.

        Args:
            stream: the connection.
            received: what another process has read from it, if it has handed it over.
            rest: what is left to do, if ``begin`` has served it before.

        Returns:
            The driver that serves the connection from now on; None: the connection is closed.

        Cancellation: the connection is dropped; a session whose poll it carries is notified.
        """
        try:
            trailing, driver = await self._serve_http(stream, received, rest)
            if isinstance(driver, ReactorDriver):
                assert isinstance(stream, trio.SocketStream)
                driver.take_over(stream, trailing)
                return driver
            if driver is not None:
                await driver.run(trailing)
        except (*GONE, trio.TooSlowError):
            self._logger.debug("closed a connection: it broke, or the client was too slow", exc_info=True)
        finally:
            if isinstance(stream, trio.SocketStream):
                stream.socket.close()  # nothing to wait for, and aclose_forcefully takes 38 µs
            else:
                await trio.aclose_forcefully(stream)
        return None

    async def _serve_http(
        self, stream: trio.abc.Stream, received: bytes, rest: Rest | None
    ) -> tuple[bytes, Driver | None]:
        """Answer requests until the connection ends, becomes a WebSocket, or is handed over.

        Returns:
            Bytes after the last request, and the driver to run for the WebSocket; None: the connection ends.
        """
        if isinstance(stream, trio.SSLStream):
            await self._tls.shake_hands(stream)
        if self.is_stopping:
            return b"", None
        http = self._new_http(stream) if rest is None else rest.http
        self.connections.add(http)
        try:
            request = await Requests(self.service, self.site, http, received, rest).serve()
            handover = self.service.handover
            if request is None:
                pass
            elif handover is not None and (not request.upgrade or handover.applies(http, request)):
                await handover.hand_over(http, request)
            else:
                driver = await self._upgrades.answer(http, request)
                if driver is not None:
                    return http.trailing_data, driver
            if not self.is_stopping:
                await http.linger()
        finally:
            http.wait_in(None)
            self.connections.discard(http)
        return b"", None

    # tasks

    async def flushed(self) -> None:
        """Wait, for at most a second, until each outbox with data to send was offered to the kernel once.

        Stream drivers begin to write within one pass of Trio's scheduler. For the reactor, see ``Rounds.wait``.

        Cancellation: ends the wait at once. The call returns, and the next checkpoint raises ``Cancelled``.
        """
        await trio.lowlevel.cancel_shielded_checkpoint()
        if self.reactor is not None:
            await self.reactor.flushed()

    async def run(self) -> None:
        """Run the tasks that all connections share, until cancelled. Every WebSocket of the reactor is then dropped."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.run_wheel, name="timer wheel")
            nursery.start_soon(self._overdue.run, name="overdue WebSockets")
            nursery.start_soon(self._overdue_polls.run, name="overdue polls")
            nursery.start_soon(self._timeouts.run, name="HTTP timeouts")
            nursery.start_soon(self.service.polls.run, name="polls")
            nursery.start_soon(self._tls.run, name="TLS handshakes")
            nursery.start_soon(self.service.hang_ups.run, name="hang-ups")
            if self.http_reactor is not None:
                nursery.start_soon(self.http_reactor.run, name="HTTP")
            if self.reactor is not None:
                await self.reactor.run()

    @trio.lowlevel.enable_ki_protection
    async def run_wheel(self) -> None:
        """Handle the timers of all sessions as they become due, in one task."""
        earlier = Signal()
        self.engine.wheel.on_earlier = earlier.set
        self.engine.defer = self._defer
        try:
            while True:
                with trio.move_on_at(self._tick()):
                    await earlier.wait()
        finally:
            self.engine.wheel.on_earlier = None
            self.engine.defer = None

    def _defer(self, link: Connection, event: TimerEvent) -> None:
        """Defer an overdue timer until everything that has arrived is read.

        For a session that polls, also accept waiting connections first: its answer may come on a new connection. It has
        a queue of its own, because accepting may pause, and must not delay the timers of WebSockets.
        """
        overdue = self._overdue_polls if isinstance(link.transport, PollingTransport) else self._overdue
        overdue.add(link, event)

    def _tick(self) -> float:
        try:
            return self.engine.tick(trio.current_time())
        except (KeyboardInterrupt, SystemExit) as error:
            self.service.interrupted(error)
            return trio.current_time()  # other timers may be due

    def _deal_with(self, link: Connection, event: TimerEvent, now: float, put_off: bool) -> None:
        try:
            self.engine.deal_with(link, event, now, put_off=put_off)
        except (KeyboardInterrupt, SystemExit) as error:
            self.service.interrupted(error)
