"""Answers requests for a WebSocket: checks them, does the opening handshake, and starts a driver."""

from __future__ import annotations

from dataclasses import dataclass

import trio

from trio_socketio.engineio import (
    EngineRequest,
    EngineResponse,
    RejectedWebSocket,
    Session,
    WebSocketTransport,
)
from trio_socketio.net._admission import STOPPING
from trio_socketio.net._exchange import Exchange
from trio_socketio.net._handshake import opening_handshake
from trio_socketio.net._http1 import Http1Connection
from trio_socketio.net._reactor_driver import ReactorDriver
from trio_socketio.net._reactor_host import ReactorHost
from trio_socketio.net._service import EngineService
from trio_socketio.net._site import NOT_FOUND, Site
from trio_socketio.net._sockets import limit_silence
from trio_socketio.net._stream_driver import WRITE_BYTES, StreamDriver

__all__ = ["Driver", "Opening", "Upgrades", "attach"]

UPGRADE_REQUIRED = EngineResponse(400, [("Sec-WebSocket-Version", "13"), ("Content-Length", "0")], close=True)

Driver = StreamDriver | ReactorDriver


@dataclass(frozen=True, slots=True)
class Opening:
    """A WebSocket of a reactor whose opening handshake is not sent yet."""

    driver: ReactorDriver
    data: bytes  #: the response, and the open packet
    session: Session | None = None  #: the session whose open packet is in the data

    def sent(self) -> None:
        """Note that the data is written."""
        if self.session is not None:
            self.session.written(trio.current_time())


class Upgrades:
    """Answers requests for a WebSocket.

    Args:
        service: shared by all requests to the engine.
        site: decides which paths are the engine's.
        reactor: serves WebSockets over plain sockets; None: the stream driver serves all.
        flush_timeout: how long the last flush of a WebSocket may take, in seconds.
    """

    def __init__(
        self, service: EngineService, site: Site, reactor: ReactorHost | None, flush_timeout: float
    ) -> None:
        self._service = service
        self._engine = service.engine
        self._site = site
        self._reactor = reactor
        self._flush_timeout = flush_timeout

    async def answer(self, http: Http1Connection, request: EngineRequest) -> Driver | None:
        """Answer a request for a WebSocket, and return the driver to run; None: the request was refused."""
        exchange = Exchange(request, http, self._service)
        if not self._site.is_for_engine(request):
            application = self._service.application
            if application is None:
                await exchange.respond_plainly(NOT_FOUND)
            else:
                await application.converse(request, http)
            return None
        switching = b""
        response = await exchange.refusal()
        if response is None and self._service.refuses(request):
            response = STOPPING
        if response is None:
            switching = await opening_handshake(http.head)
            response = None if switching else UPGRADE_REQUIRED
        if response is not None:
            await exchange.respond(response)
            return None
        if self._reactor is not None and isinstance(http.stream, trio.SocketStream):
            opening = self.open_on_reactor(http, request, switching)
            try:
                await http.send(opening.data)
            except BaseException:
                opening.driver.drop()
                raise
            opening.sent()
            return opening.driver
        driver = StreamDriver(http.stream, self._flush_timeout, self._service.hang_ups)
        await http.send(self._complete(http, request, switching))  # this may wait, so attach after it
        attach(driver, request, self._service)
        return driver

    def open_on_reactor(self, http: Http1Connection, request: EngineRequest, switching: bytes) -> Opening:
        """Open a WebSocket over a plain socket, which the reactor will serve.

        The open packet is sent together with the response. This saves a TCP segment, and a turn of the reactor.

        Args:
            http: the connection.
            request: its request, which has been admitted.
            switching: the response of ``opening_handshake``.
        """
        assert self._reactor is not None
        switching = self._complete(http, request, switching)
        driver = ReactorDriver(self._reactor)
        attach(driver, request, self._service)
        receiver = driver.receiver
        if not isinstance(receiver, Session):
            return Opening(driver, switching)
        return Opening(driver, switching + receiver.link.take(WRITE_BYTES), receiver)

    def _complete(self, http: Http1Connection, request: EngineRequest, switching: bytes) -> bytes:
        """Add what was negotiated, and the fields of the application, to the response."""
        agreed = self._engine.agree(request)
        switching = self._service.headers.switching(request, switching, agreed, initial=not request.sid)
        request.response_headers = ()  # frees them, as the session may keep its request
        options = self._engine.options
        limit_silence(http.stream, options.ping_interval + options.ping_timeout)
        return switching


def attach(driver: WebSocketTransport, request: EngineRequest, service: EngineService) -> None:
    """Open a session on a new WebSocket, or begin the upgrade of a session to it. If neither is possible, close it.

    Args:
        driver: the transport that has the WebSocket, after the opening handshake.
        request: its request, which has been admitted.
        service: shared by all requests to the engine.
    """
    engine = service.engine

    def serve(session: Session) -> WebSocketTransport:
        driver.attach(session)
        return driver

    now = trio.current_time()
    code, reason = 1001, "the session has ended"
    if service.refuses(request):  # since the handshake began
        code, reason = 1001, "the server stops"
    elif not request.sid:
        if request.new_sid not in engine.sessions:
            engine.open_websocket(request, serve, now)
            return
        code, reason = 1011, "the session id is in use"  # another request has opened it meanwhile
    elif session := engine.sessions.get(request.sid):
        candidate = engine.begin_upgrade(session, driver, now, request)
        if candidate is not None:
            driver.attach(candidate)
            return
        if session.is_open:
            code, reason = 1000, "the session already has a WebSocket"
    driver.attach(RejectedWebSocket(engine.new_connection(request), driver, code, reason))
    driver.close()
