"""One request and its answer."""

from __future__ import annotations

from collections.abc import Callable

import trio

from trio_socketio.engineio import EngineRequest, EngineResponse, PollingTransport
from trio_socketio.net._admission import STOPPING
from trio_socketio.net._hang_ups import Watch
from trio_socketio.net._http1 import Http1Connection
from trio_socketio.net._service import EngineService

__all__ = ["METHOD_NOT_ALLOWED", "Exchange"]

METHOD_NOT_ALLOWED = EngineResponse(
    405, [("Allow", "GET, POST, OPTIONS"), ("Content-Length", "0")], close=True
)


class Exchange:
    """One request and its answer. It separates the handling of requests from the HTTP connection.

    Args:
        request: the request.
        http: the connection whose current request this is.
        service: shared by all requests to the engine.

    Attributes:
        request: the request.
    """

    __slots__ = ("_http", "_service", "request")

    def __init__(self, request: EngineRequest, http: Http1Connection, service: EngineService) -> None:
        self.request = request
        self._http = http
        self._service = service

    async def refusal(self) -> EngineResponse | None:
        """Return the response to a request that may not go on to the engine; None: it may."""
        admission = self._service.admission
        if admission.may_wait(self.request):
            return await admission.check(self.request, self._http)
        return admission.check_now(self.request)

    def polling(self) -> EngineResponse | PollingTransport:
        """Return the transport whose GET or POST an admitted request is, or the response to another request.

        A handshake opens its session.
        """
        request, engine = self.request, self._service.engine
        if not request.sid:
            if self._service.refuses(request):
                return STOPPING
            return engine.open_polling(request, trio.current_time())
        if request.method not in {"GET", "POST"}:
            return METHOD_NOT_ALLOWED
        return engine.polling(engine.sessions[request.sid])

    async def read_body(self, limit: int, received: Callable[[int], None]) -> bytes:
        """Read the body of the request; see ``Http1Connection.read_body``."""
        return await self._http.read_body(self.request, limit, received)

    def watching_hang_up(self, notify: Callable[[], None]) -> Watch:
        """Call ``notify`` if the client hangs up during a ``with`` block; see ``HangUps.watching``."""
        return self._service.hang_ups.watching(self._http.stream, notify)

    def finished(self, response: EngineResponse, *, initial: bool = False) -> EngineResponse:
        """Return the response with the header fields that the application adds; ``initial``: it opens a session."""
        return self._service.headers.finished(self.request, response, initial=initial)

    async def respond(self, response: EngineResponse) -> bool:
        """Write the engine's response, and return whether the connection can carry another request."""
        response = self._service.headers.finished(self.request, response)
        return await self._http.respond(response, head=self.request.method == "HEAD")

    async def respond_plainly(self, response: EngineResponse) -> bool:
        """Write a response as ``respond`` does, without the header fields that the application adds."""
        return await self._http.respond(response, head=self.request.method == "HEAD")
