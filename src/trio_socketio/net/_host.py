"""One HTTP connection after the other: requests to the engine, upgrades to the stream driver, files for the rest."""

from __future__ import annotations

import logging
import socket
from dataclasses import dataclass
from typing import Literal

import h11
import trio

from trio_socketio.engineio import (
    POST_TOO_LARGE,
    Engine,
    EngineRequest,
    EngineResponse,
    PollingTransport,
    Session,
    Surplus,
    WebSocketTransport,
)
from trio_socketio.net._files import Files
from trio_socketio.net._handshake import opening_handshake
from trio_socketio.net._http1 import BodyTooLarge, Http1Connection, HttpLimits
from trio_socketio.net._reactor_driver import ReactorDriver, ReactorHost
from trio_socketio.net._signal import Signal
from trio_socketio.net._stream_driver import PACKETS_BETWEEN_CHECKPOINTS, StreamDriver

__all__ = ["DriverChoice", "EngineHost", "HostOptions"]

#: ``"auto"``: the reactor for plain sockets, where there is one.
DriverChoice = Literal["auto", "stream"]

NOT_FOUND = EngineResponse(404, [("Content-Length", "0")])
METHOD_NOT_ALLOWED = EngineResponse(
    405, [("Allow", "GET, POST, OPTIONS"), ("Content-Length", "0")], close=True
)
UPGRADE_REQUIRED = EngineResponse(400, [("Sec-WebSocket-Version", "13"), ("Content-Length", "0")], close=True)
STOPPING = EngineResponse(503, [("Retry-After", "1"), ("Content-Length", "0")], close=True)

#: What the peer's misbehaviour or absence raises; never an error of ours.
_GONE = (trio.BrokenResourceError, trio.ClosedResourceError)


@dataclass(frozen=True, slots=True)
class HostOptions:
    """Where the engine is found, and what else is served."""

    path: str
    flush_timeout: float  #: seconds for the last flush of a WebSocket
    limits: HttpLimits
    files: Files
    driver: DriverChoice = "auto"


Driver = StreamDriver | ReactorDriver


def _endpoint(stream: trio.abc.Stream) -> tuple[str, bool]:
    """The peer's address (``"unix"``, or blank where there is none), and whether TLS ends here."""
    secure = isinstance(stream, trio.SSLStream)
    inner = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
    if not isinstance(inner, trio.SocketStream):
        return "", secure
    if inner.socket.family == getattr(socket, "AF_UNIX", None):
        return "unix", secure
    try:
        return str(inner.socket.getpeername()[0]), secure
    except OSError:
        return "", secure


def _asks_for_websocket(headers: dict[str, str]) -> bool:
    tokens = {token.strip().lower() for token in headers.get("connection", "").split(",")}
    return "upgrade" in tokens and headers["upgrade"].strip().lower() == "websocket"


def _read_head(head: h11.Request, address: str, secure: bool) -> EngineRequest:
    headers: dict[str, str] = {}
    for raw_name, raw_value in head.headers.raw_items():
        name, value = raw_name.decode("ascii").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    method, target = head.method.decode("ascii"), head.target.decode("latin-1")
    # HTTP/1.0 knows no upgrade (RFC 9110 section 7.8).
    upgrade = "upgrade" in headers and head.http_version != b"1.0" and _asks_for_websocket(headers)
    return EngineRequest(method, target, headers, address, secure=secure, upgrade=upgrade)


class EngineHost:
    """Serves an engine over streams.

    Args:
        engine: the sessions.
        options: see ``HostOptions``.
        logger: for what goes wrong.

    Attributes:
        draining: no new session is opened any more.
        stopping: no request is waited for any more.
        connections: those that speak HTTP now.
        reactor: serves WebSockets over plain sockets; None where there is none, or none is wanted.
    """

    def __init__(self, engine: Engine, options: HostOptions, logger: logging.Logger) -> None:
        self.engine = engine
        self.draining = False
        self.stopping = False
        self.connections: set[Http1Connection] = set()
        self._options = options
        self._logger = logger
        self.reactor = ReactorHost.make(options.flush_timeout, logger) if options.driver == "auto" else None

    def stop(self) -> None:
        """Refuse new sessions, and let go of connections that wait for a request."""
        self.draining = self.stopping = True
        for connection in self.connections:
            if connection.idle is not None:
                connection.idle.cancel()

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
        except (*_GONE, trio.TooSlowError):
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
        return StreamDriver(stream, self._options.flush_timeout)

    async def _serve_http(self, stream: trio.abc.Stream) -> tuple[bytes, Driver | None]:
        """Answer requests until the connection ends, or becomes a WebSocket that a driver is to run."""
        if isinstance(stream, trio.SSLStream):
            with trio.fail_after(self._options.limits.header_timeout):
                await stream.do_handshake()
        address, secure = _endpoint(stream)
        http = Http1Connection(stream, self._options.limits)
        self.connections.add(http)
        try:
            driver = await self._serve_requests(http, address, secure)
            if driver is not None:
                return http.trailing_data, driver
            if not self.stopping:
                await http.linger()
        finally:
            self.connections.discard(http)
        return b"", None

    async def _serve_requests(self, http: Http1Connection, address: str, secure: bool) -> Driver | None:
        try:
            with http.scope:
                head = await http.next_request()
                if head is None:
                    return None
                request = _read_head(head, address, secure)
                if request.upgrade:
                    return await self._upgrade(http, head, request)
                async with http.reader.reading():
                    return await self._requests(http, request)
            if http.idle is None:
                await http.respond_error(408)
        except h11.RemoteProtocolError as error:
            self._logger.debug("bad HTTP from %s: %s", address or "a stream", error)
            await http.respond_error(error.error_status_hint)
        return None

    async def _requests(self, http: Http1Connection, request: EngineRequest) -> Driver | None:
        while await self._answer(http, request) and not self.stopping:
            head = await http.next_request()
            if head is None:
                break
            request = _read_head(head, request.address, request.secure)
            if request.upgrade:
                return await self._upgrade(http, head, request)
        return None

    def _refuses(self, request: EngineRequest) -> bool:
        return self.stopping or (self.draining and not request.sid)

    # WebSocket

    async def _upgrade(
        self, http: Http1Connection, head: h11.Request, request: EngineRequest
    ) -> Driver | None:
        if request.path != self._options.path:
            await http.respond(NOT_FOUND)
            return None
        refusal = self.engine.verify(request)
        if refusal is not None:
            await self._refuse(http, request, refusal.response())
            return None
        if self._refuses(request):
            await http.respond(STOPPING)
            return None
        switching = await opening_handshake(head)
        if switching is None:
            await http.respond(UPGRADE_REQUIRED)
            return None
        await http.send(switching)
        return await self._attach(http, request)

    async def _attach(self, http: Http1Connection, request: EngineRequest) -> Driver | None:
        driver = self._driver(http.stream)

        def serve(session: Session) -> WebSocketTransport:
            driver.attach(session)
            return driver

        now = trio.current_time()
        code, reason = 1000, "the session has a WebSocket already"
        if self._refuses(request):  # since the handshake began
            code, reason = 1001, "the server stops"
        elif not request.sid:
            self.engine.open_websocket(request, serve, now)
            return driver
        elif session := self.engine.sessions.get(request.sid):
            candidate = self.engine.begin_upgrade(session, driver, now)
            if candidate is not None:
                driver.attach(candidate)
                return driver
        driver.attach(Surplus(self.engine.new_connection(), driver, code, reason))
        driver.close()
        return driver

    # HTTP

    async def _answer(self, http: Http1Connection, request: EngineRequest) -> bool:
        """Answer one request; returns whether the connection can carry another."""
        if request.path != self._options.path:
            response = self._options.files.response(request.method, request.path, request.headers)
            return await http.respond(response or NOT_FOUND, head=request.method == "HEAD")
        refusal = self.engine.verify(request)
        if refusal is not None:
            return await self._refuse(http, request, refusal.response())
        if not request.sid:
            return await self._open(http, request)
        session = self.engine.sessions[request.sid]
        polling = self.engine.polling(session)
        if request.method == "GET":
            return await self._poll(http, request, polling)
        if request.method == "POST":
            return await self._post(http, request, polling)
        return await http.respond(METHOD_NOT_ALLOWED, head=request.method == "HEAD")

    def _with_cors(self, request: EngineRequest, response: EngineResponse) -> EngineResponse:
        origin, cors = request.origin, self.engine.options.cors
        if origin is None or not ("*" in cors or origin in cors):
            return response
        headers = [*response.headers, ("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
        return EngineResponse(response.status, headers, response.body, response.close)

    async def _refuse(self, http: Http1Connection, request: EngineRequest, response: EngineResponse) -> bool:
        return await http.respond(self._with_cors(request, response), head=request.method == "HEAD")

    async def _open(self, http: Http1Connection, request: EngineRequest) -> bool:
        if self._refuses(request):
            return await http.respond(STOPPING)
        polling = self.engine.open_polling(request, trio.current_time())
        return await self._write_poll(http, request, polling)

    async def _poll(self, http: Http1Connection, request: EngineRequest, polling: PollingTransport) -> bool:
        refused = polling.begin_poll(http.reader.release)
        if refused is not None:
            return await http.respond(self._with_cors(request, refused))
        try:
            if not await http.reader.released():
                polling.poll_lost("poll connection closed prematurely")
                return False
        except BaseException:
            polling.poll_lost("the poll was cancelled")
            raise
        return await self._write_poll(http, request, polling)

    async def _write_poll(
        self, http: Http1Connection, request: EngineRequest, polling: PollingTransport
    ) -> bool:
        response = self._with_cors(request, polling.collect())
        try:
            reusable = await http.respond(response)
        except BaseException:
            polling.poll_lost("poll connection closed while it was answered")
            raise
        polling.poll_written()
        return reusable

    async def _post(self, http: Http1Connection, request: EngineRequest, polling: PollingTransport) -> bool:
        session = polling.session
        refused = polling.begin_post(request.headers.get("content-type", ""))
        if refused is not None:
            return await http.respond(self._with_cors(request, refused))
        limit = self.engine.options.max_http_buffer_size
        try:
            body = await http.read_body(request.headers.get("content-length", ""), limit)
        except BodyTooLarge as error:
            polling.post_refused()
            self._logger.info("session %s…: %s (max_http_buffer_size)", session.sid[:6], error)
            return await http.respond(self._with_cors(request, POST_TOO_LARGE))
        except BaseException:
            polling.post_lost("the POST never came whole")
            raise
        packets, failure = polling.packets(body)
        try:
            for number, packet in enumerate(packets, 1):
                if session.paused:
                    await self._resumed(session)
                session.receive(packet, trio.current_time())
                if number % PACKETS_BETWEEN_CHECKPOINTS == 0:
                    await trio.lowlevel.checkpoint()
            await self._resumed(session)
        except BaseException:
            polling.post_lost("the POST was cancelled")
            raise
        return await http.respond(self._with_cors(request, polling.end_post(failure)))

    async def _resumed(self, session: Session) -> None:
        while session.paused:
            resumed = trio.Event()
            self.engine.hold_post(session, resumed.set)
            await resumed.wait()

    # tasks

    async def flushed(self) -> None:
        """Wait until all that is queued was written as far as the clients read. A checkpoint."""
        await trio.lowlevel.checkpoint()
        if self.reactor is not None:
            await self.reactor.flushed()

    async def run(self) -> None:
        """Run what all connections share, until cancelled; then every WebSocket of the reactor is dropped."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.run_wheel, name="timer wheel")
            if self.reactor is not None:
                await self.reactor.run()

    async def run_wheel(self) -> None:
        """Deal with timers as they come due: the one task that waits for time on behalf of all sessions."""
        earlier = Signal()
        self.engine.wheel.on_earlier = earlier.set
        try:
            while True:
                with trio.move_on_at(self.engine.tick(trio.current_time())):
                    await earlier.wait()
        finally:
            self.engine.wheel.on_earlier = None
