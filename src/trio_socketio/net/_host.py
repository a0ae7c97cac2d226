"""One HTTP connection after the other: requests to the engine, upgrades to a driver, files for the rest."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import trio

from trio_socketio._core import Connection, TimerEvent
from trio_socketio._signal import Signal
from trio_socketio.engineio import (
    Engine,
    EngineRequest,
    EngineResponse,
    RejectedWebSocket,
    Session,
    WebSocketTransport,
)
from trio_socketio.net._accepting import Acceptor
from trio_socketio.net._admission import STOPPING, Admission
from trio_socketio.net._files import Files
from trio_socketio.net._handshake import opening_handshake
from trio_socketio.net._hang_ups import HangUps
from trio_socketio.net._health import Health, HostState, health_response
from trio_socketio.net._http1 import Http1Connection, HttpLimits, HttpTimeouts
from trio_socketio.net._overdue import Arrivals, Overdue
from trio_socketio.net._reactor_driver import ReactorDriver, ReactorHost
from trio_socketio.net._requests import GONE, Polls, Requests
from trio_socketio.net._response_headers import ResponseHeaders
from trio_socketio.net._sockets import limit_silence
from trio_socketio.net._stream_driver import WRITE_BYTES, StreamDriver

__all__ = ["DriverChoice", "EngineHost", "HostOptions"]

#: ``"auto"``: the reactor for plain sockets, where there is one.
DriverChoice = Literal["auto", "stream"]

NOT_FOUND = EngineResponse(404, [("Content-Length", "0")])
UPGRADE_REQUIRED = EngineResponse(400, [("Sec-WebSocket-Version", "13"), ("Content-Length", "0")], close=True)


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


Driver = StreamDriver | ReactorDriver


class EngineHost:
    """Serves an engine over streams.

    Args:
        engine: the sessions.
        options: see ``HostOptions``.
        logger: for what goes wrong.

    Attributes:
        state: which requests are still answered.
        connections: those that speak HTTP now.
        acceptor: accepts connections.
        polls: those that are to be answered.
        compressing: the threads that compress answers. Those of the application may all wait for such an answer.
        paths: where the engine is found.
        admission: who may go on to it.
        headers: what is added to its responses.
        hang_ups: watches sockets that are not read, of all but the reactor's.
        arrivals: what has come and was not read or accepted yet.
        reactor: serves WebSockets over plain sockets; None where there is none, or none is wanted.
    """

    def __init__(self, engine: Engine, options: HostOptions, logger: logging.Logger) -> None:
        self.engine = engine
        self.state = HostState.RUNNING
        self.connections: set[Http1Connection] = set()
        self.acceptor = Acceptor(logger)
        self._handshakes: set[trio.CancelScope] = set()
        #: called with what stops the program, when a handler that a timer has called raises it
        self.on_interrupt: Callable[[BaseException], None] | None = None
        self.options = options
        self.paths = (options.path,) if options.add_trailing_slash else (options.path, options.path[:-1])
        self.admission = Admission(engine, self.refuses, logger)
        self.headers = ResponseHeaders(engine.hooks, engine.options.cookie, logger)
        self._started = trio.current_time()
        self.polls = Polls(logger)
        self.compressing = trio.CapacityLimiter(os.cpu_count() or 1)
        self._logger = logger
        self._timeouts = HttpTimeouts(options.limits)
        self.hang_ups = HangUps()
        self.reactor = ReactorHost.make(options.flush_timeout, logger) if options.driver == "auto" else None
        self.arrivals = Arrivals(self.reactor, engine.options.ping_interval)
        self._overdue = Overdue(engine, self.arrivals.read)
        self._overdue_polls = Overdue(engine, self.arrivals.accept_and_read)

    @property
    def is_stopping(self) -> bool:
        """Whether the host waits for no request any more."""
        return self.state is HostState.STOPPING

    def drain(self) -> None:
        """Refuse new sessions."""
        if self.state is HostState.RUNNING:
            self.state = HostState.DRAINING

    def stop(self) -> None:
        """Refuse new sessions, and let go of connections that wait for a request, its body, or a TLS handshake."""
        self.state = HostState.STOPPING
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

    def _driver(self, stream: trio.abc.Stream) -> StreamDriver | ReactorDriver:
        if self.reactor is not None and isinstance(stream, trio.SocketStream):
            return ReactorDriver(self.reactor)
        return StreamDriver(stream, self.options.flush_timeout, self.hang_ups)

    async def _serve_http(self, stream: trio.abc.Stream) -> tuple[bytes, Driver | None]:
        """Answer requests until the connection ends, or becomes a WebSocket that a driver is to run."""
        if isinstance(stream, trio.SSLStream):
            await self._shake_hands(stream)
        if self.is_stopping:
            return b"", None
        http = Http1Connection(stream, self._timeouts)
        self.connections.add(http)
        try:
            driver = await Requests(self, http, self._logger).serve()
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

    def refuses(self, request: EngineRequest) -> bool:
        """Whether it would open a session that is not to be opened any more."""
        return self.is_stopping or (self.state is HostState.DRAINING and not request.sid)

    @property
    def health(self) -> Health:
        """How the server is."""
        return Health(self.state.status, self.engine.clients_count, trio.current_time() - self._started)

    def respond_outside_engine(self, request: EngineRequest) -> EngineResponse:
        """The answer to a request that is not for the engine."""
        if request.path == self.options.health_path:
            return health_response(request.method, self.health)
        return self.options.files.response(request.method, request.path, request.headers) or NOT_FOUND

    # WebSocket

    async def upgrade(self, http: Http1Connection, request: EngineRequest) -> Driver | None:
        """Answer a request for a WebSocket; returns what is to run it."""
        if request.path not in self.paths:
            await http.respond(NOT_FOUND)
            return None
        switching = b""
        response = await self._refusal(http, request)
        if response is None:
            switching = await opening_handshake(http.head)
            response = None if switching else UPGRADE_REQUIRED
        if response is not None:
            await http.respond(self.headers.finished(request, response))
            return None
        agreed = self.engine.agree(request)
        switching = self.headers.switching(request, switching, agreed, initial=not request.sid)
        request.response_headers = ()  # it may live on as its session's request
        options = self.engine.options
        limit_silence(http.stream, options.ping_interval + options.ping_timeout)
        driver = self._driver(http.stream)
        if isinstance(driver, StreamDriver):  # it may have to wait, and much can happen meanwhile
            await http.send(switching)
            self._attach(driver, request)
        else:
            self._attach(driver, request)
            await self._send_opening(http, switching, driver)
        return driver

    async def _refusal(self, http: Http1Connection, request: EngineRequest) -> EngineResponse | None:
        if self.admission.may_wait(request):
            response = await self.admission.check(request, http)
        else:
            response = self.admission.check_now(request)
        return STOPPING if response is None and self.refuses(request) else response

    async def _send_opening(self, http: Http1Connection, switching: bytes, driver: ReactorDriver) -> None:
        """Send the open packet with the response: one packet on the network, and a turn less for the reactor."""
        receiver = driver.receiver
        opening = receiver.link.take(WRITE_BYTES) if isinstance(receiver, Session) else b""
        try:
            await http.send(switching + opening)
        except BaseException:
            driver.drop()
            raise
        if opening:
            receiver.written(trio.current_time())

    def _attach(self, driver: Driver, request: EngineRequest) -> None:
        def serve(session: Session) -> WebSocketTransport:
            driver.attach(session)
            return driver

        now = trio.current_time()
        code, reason = 1000, "the session has a WebSocket already"
        if self.refuses(request):  # since the handshake began
            code, reason = 1001, "the server stops"
        elif not request.sid:
            if request.new_sid not in self.engine.sessions:
                self.engine.open_websocket(request, serve, now)
                return
            code, reason = 1011, "the session id is in use"  # another was faster to open one
        elif session := self.engine.sessions.get(request.sid):
            candidate = self.engine.begin_upgrade(session, driver, now, request)
            if candidate is not None:
                driver.attach(candidate)
                return
        driver.attach(RejectedWebSocket(self.engine.new_connection(request), driver, code, reason))
        driver.close()

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
            nursery.start_soon(self.polls.run, name="polls")
            nursery.start_soon(self.hang_ups.run, name="hang-ups")
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
        polls = link.transport is not None and link.transport.name == "polling"
        (self._overdue_polls if polls else self._overdue).add(link, event)

    def _tick(self) -> float:
        try:
            return self.engine.tick(trio.current_time())
        except (KeyboardInterrupt, SystemExit) as error:
            if self.on_interrupt is None:
                raise
            self.on_interrupt(error)
            return trio.current_time()  # others may be due
