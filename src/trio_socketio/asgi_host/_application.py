"""The ASGI application that ``io.asgi()`` returns."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import trio
from trio.lowlevel import in_trio_task

from trio_socketio._asgi_types import ASGIApplication, Receive, Scope, Send
from trio_socketio.asgi_host._exchange import AsgiExchange, client_may_leave
from trio_socketio.asgi_host._lifespan import Lifespan
from trio_socketio.asgi_host._requests import answer
from trio_socketio.asgi_host._scope import request_of
from trio_socketio.asgi_host._upgrades import deny, serve_websocket
from trio_socketio.engineio import EngineRequest
from trio_socketio.handlers import unwrap
from trio_socketio.net import NOT_FOUND, EngineHost

__all__ = ["AsgiHost"]

NO_TRIO = (
    "io.asgi() needs an ASGI server that runs Trio, such as Hypercorn with the worker class trio; "
    "for servers that run asyncio, such as uvicorn, use io.guest"
)
NOT_RUNNING = (
    "the server is not running: an application mounted in another one has no lifespan of its own, "
    "so write `async with io:` in the lifespan of the outer application"
)


class Runtime(Protocol):
    """A running server."""

    @property
    def host(self) -> EngineHost:
        """The host of its engine."""
        ...

    async def serve_foreign(self, function: Callable[..., Any], *args: Any) -> None:
        """Call a function that serves a request which another server has accepted."""


class AsgiHost:
    """A server as an ASGI 3 application; see ``Server.asgi``, which makes this object.

    Args:
        server: the server; ``async with`` runs it.
        runtime: returns the running server; None: it is not running.
        other: the application that has all other requests; None: there is none.
    """

    def __init__(
        self,
        server: AbstractAsyncContextManager[object],
        runtime: Callable[[], Runtime | None],
        other: ASGIApplication | None,
    ) -> None:
        self._server = server
        self._runtime = runtime
        self._other = other

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, one WebSocket, or the lifespan.

        Raises:
            RuntimeError: the ASGI server does not run Trio, or the server is not running.
        """
        kind = scope["type"]
        if kind == "lifespan":
            await self._serve_lifespan(scope, receive, send)
        elif not in_trio_task():
            raise RuntimeError(NO_TRIO)
        elif kind in ("http", "websocket"):
            await self._serve(scope, receive, send)
        elif self._other is not None:
            await self._other(scope, receive, send)
        else:
            raise ValueError(f"expected a scope of the type http, websocket or lifespan, not {kind!r}")

    async def _serve_lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        if in_trio_task():
            await Lifespan(self._server, self._other, scope, receive, send).run()
        else:  # an exception would only say that there is no lifespan
            await receive()
            await send({"type": "lifespan.startup.failed", "message": NO_TRIO})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        runtime = self._runtime()
        if runtime is None:
            raise RuntimeError(NOT_RUNNING)
        host = runtime.host
        request = request_of(scope, host.site.is_for_engine)
        if host.site.is_for_engine(request):
            await runtime.serve_foreign(self._serve_engine, request, scope, receive, send, host)
        else:
            await self._serve_other(request, scope, receive, send, host)

    async def _serve_engine(
        self, request: EngineRequest, scope: Scope, receive: Receive, send: Send, host: EngineHost
    ) -> None:
        try:
            async with trio.open_nursery() as nursery:
                exchange = AsgiExchange(request, scope, receive, send, host, nursery)
                if request.upgrade:
                    await serve_websocket(exchange, scope, receive, send, host)
                else:
                    await answer(exchange, host)
        except BaseExceptionGroup as group:
            raise unwrap(group) from None

    async def _serve_other(
        self, request: EngineRequest, scope: Scope, receive: Receive, send: Send, host: EngineHost
    ) -> None:
        is_websocket = scope["type"] == "websocket"
        response = None if is_websocket else host.site.respond_outside_engine(request)
        if response is None and self._other is not None:
            await self._other(scope, receive, send)
            return
        async with trio.open_nursery() as nursery:
            exchange = AsgiExchange(request, scope, receive, send, host, nursery)
            with client_may_leave(host.service.logger):
                if not is_websocket:
                    await exchange.respond(response or NOT_FOUND)
                elif (await receive())["type"] == "websocket.connect":
                    await deny(exchange, NOT_FOUND, scope)
