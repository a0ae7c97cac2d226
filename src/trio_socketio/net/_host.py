"""Serves an engine over streams: each connection, and the tasks that all connections share."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import trio

from trio_socketio._core import Connection, TimerEvent
from trio_socketio._signal import Signal
from trio_socketio.engineio import Engine, PollingTransport
from trio_socketio.net._accepting import Acceptor
from trio_socketio.net._files import Files
from trio_socketio.net._health import Health, HostState
from trio_socketio.net._http1 import Http1Connection, HttpLimits, HttpTimeouts
from trio_socketio.net._overdue import Arrivals, Overdue
from trio_socketio.net._reactor_driver import ReactorDriver, ReactorHost
from trio_socketio.net._requests import GONE, Requests
from trio_socketio.net._service import EngineService
from trio_socketio.net._site import Site
from trio_socketio.net._upgrades import Driver, Upgrades

__all__ = ["DriverChoice", "EngineHost", "HostOptions"]

#: ``"auto"``: the reactor for plain sockets, where there is one.
DriverChoice = Literal["auto", "stream"]


@dataclass(frozen=True, kw_only=True, slots=True)
class HostOptions:
    """Where the engine is found, and what else is served."""

    path: str
    flush_timeout: float  #: seconds for the last flush of a WebSocket
    limits: HttpLimits
    files: Files
    driver: DriverChoice
    add_trailing_slash: bool  #: the path is taken with its last slash only
    health_path: str | None  #: where monitors ask whether the server takes new clients


class EngineHost:
    """Serves an engine over streams.

    Args:
        engine: the sessions.
        options: see ``HostOptions``.
        logger: for what goes wrong.

    Attributes:
        service: what the requests to the engine need.
        connections: those that speak HTTP now.
        acceptor: accepts connections.
        arrivals: what has come and was not read or accepted yet.
        reactor: serves WebSockets over plain sockets; None where there is none, or none is wanted.
    """

    def __init__(self, engine: Engine, options: HostOptions, logger: logging.Logger) -> None:
        self.engine = engine
        self.connections: set[Http1Connection] = set()
        self.acceptor = Acceptor(logger)
        self._handshakes: set[trio.CancelScope] = set()
        #: called with what stops the program, when a handler that a timer has called raises it
        self.on_interrupt: Callable[[BaseException], None] | None = None
        self.options = options
        self.service = EngineService(engine, logger)
        paths = (options.path,) if options.add_trailing_slash else (options.path, options.path[:-1])
        self._site = Site(paths, options.files, options.health_path, self.service.health)
        self._logger = logger
        self._timeouts = HttpTimeouts(options.limits)
        self.reactor = ReactorHost.make(options.flush_timeout, logger) if options.driver == "auto" else None
        self._upgrades = Upgrades(self.service, self._site, self.reactor, options.flush_timeout)
        self.arrivals = Arrivals(self.reactor, engine.options.ping_interval)
        self._overdue = Overdue(engine, self.arrivals.read)
        self._overdue_polls = Overdue(engine, self.arrivals.accept_and_read)

    @property
    def is_stopping(self) -> bool:
        """Whether the host waits for no request any more."""
        return self.service.is_stopping

    @property
    def health(self) -> Health:
        """The state of the server, as monitors see it."""
        return self.service.health()

    def drain(self) -> None:
        """Refuse new sessions."""
        if self.service.state is HostState.RUNNING:
            self.service.state = HostState.DRAINING

    def stop(self) -> None:
        """Refuse new sessions, and let go of connections that wait for a request, its body, or a TLS handshake."""
        self.service.state = HostState.STOPPING
        for connection in self.connections:
            connection.stop()
        for scope in self._handshakes:
            scope.cancel()

    async def serve(self, stream: trio.abc.Stream) -> ReactorDriver | None:
        """Serve one connection until it ends, and close it; or until the reactor has taken it over.

        Returns:
            Who serves the connection from now on; None: it is closed.

        Cancellation: the connection is dropped; a session that polled through it hears of it.
        """
        try:
            trailing, driver = await self._serve_http(stream)
            if isinstance(driver, ReactorDriver):
                assert isinstance(stream, trio.SocketStream)
                driver.take_over(stream, trailing)
                return driver
            if driver is not None:
                await driver.run(trailing)
        except (*GONE, trio.TooSlowError):
            self._logger.debug("a connection broke or was too slow", exc_info=True)
        finally:
            if isinstance(stream, trio.SocketStream):
                stream.socket.close()  # nothing to wait for, and aclose_forcefully takes 38 µs
            else:
                await trio.aclose_forcefully(stream)
        return None

    async def _serve_http(self, stream: trio.abc.Stream) -> tuple[bytes, Driver | None]:
        """Answer requests until the connection ends, or becomes a WebSocket that a driver is to run."""
        if isinstance(stream, trio.SSLStream):
            await self._shake_hands(stream)
        if self.is_stopping:
            return b"", None
        http = Http1Connection(stream, self._timeouts)
        self.connections.add(http)
        try:
            upgrade = await Requests(self.service, self._site, http).serve()
            if upgrade is not None:
                driver = await self._upgrades.answer(http, upgrade)
                if driver is not None:
                    return http.trailing_data, driver
            if not self.is_stopping:
                await http.linger()
        finally:
            http.wait_in(None)
            self.connections.discard(http)
        return b"", None

    async def _shake_hands(self, stream: trio.SSLStream[trio.abc.Stream]) -> None:
        """The TLS handshake.

        Raises:
            trio.TooSlowError: it took too long, or the server stops.
        """
        with trio.fail_after(self.options.limits.header_timeout) as scope:
            if self.is_stopping:
                scope.cancel()
            self._handshakes.add(scope)
            try:
                await stream.do_handshake()
            finally:
                self._handshakes.discard(scope)

    # tasks

    async def flushed(self) -> None:
        """Wait until each outbox that has something to send was offered to the kernel once, at most a second.

        The writers of the stream driver begin within one pass of the scheduler; for the reactor see ``Rounds.wait``.

        Cancellation: ends the wait; the call returns, and the next checkpoint raises.
        """
        await trio.lowlevel.cancel_shielded_checkpoint()
        if self.reactor is not None:
            await self.reactor.flushed()

    async def run(self) -> None:
        """Run what all connections share, until cancelled; then every WebSocket of the reactor is dropped."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.run_wheel, name="timer wheel")
            nursery.start_soon(self._overdue.run, name="overdue WebSockets")
            nursery.start_soon(self._overdue_polls.run, name="overdue polls")
            nursery.start_soon(self._timeouts.run, name="HTTP timeouts")
            nursery.start_soon(self.service.polls.run, name="polls")
            nursery.start_soon(self.service.hang_ups.run, name="hang-ups")
            if self.reactor is not None:
                await self.reactor.run()

    @trio.lowlevel.enable_ki_protection
    async def run_wheel(self) -> None:
        """Deal with timers as they come due: the one task that waits for time on behalf of all sessions."""
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
        """A client that polls may need a new connection for its answer, while accepting may pause."""
        overdue = self._overdue_polls if isinstance(link.transport, PollingTransport) else self._overdue
        overdue.add(link, event)

    def _tick(self) -> float:
        try:
            return self.engine.tick(trio.current_time())
        except (KeyboardInterrupt, SystemExit) as error:
            if self.on_interrupt is None:
                raise
            self.on_interrupt(error)
            return trio.current_time()  # others may be due
