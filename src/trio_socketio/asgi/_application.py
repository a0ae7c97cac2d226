"""Runs an ASGI application: one task for each request, in the server's nursery, and a log line for each failure."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import trio

from trio_socketio._asgi_types import ASGIApplication, Message, Receive, Scope, Send
from trio_socketio._passing import PASSING, passes
from trio_socketio.asgi._http import HttpCall
from trio_socketio.asgi._scope import http_scope, websocket_scope
from trio_socketio.asgi._steps import measured
from trio_socketio.asgi._websocket import WebSocketCall
from trio_socketio.engineio import EngineRequest
from trio_socketio.handlers import remedy
from trio_socketio.net import EngineService, Http1Connection, LogLimit

__all__ = ["Application", "Spawn", "name_of", "run_application"]

#: How often the log names the same path of an application that blocks the loop, in seconds, and how many paths.
HELD_INTERVAL, HELD_PATHS = 60.0, 10


class Spawn(Protocol):
    """Starts a task in the server's nursery, which the server's stop waits for."""

    def __call__(self, function: Callable[..., Awaitable[object]], *args: Any, name: object) -> None: ...


class Call(Protocol):
    """One request that the application answers: an ``HttpCall`` or a ``WebSocketCall``."""

    @property
    def is_unanswered(self) -> bool:
        """Whether the client still waits for the application's answer."""
        ...

    async def receive(self) -> Message:
        """Return the next message for the application."""
        ...

    async def send(self, message: Message) -> None:
        """Take a message of the application."""

    def explains(self, error: BaseException) -> bool:
        """Return whether the application's exception only says that the client has disconnected."""
        ...

    async def fail(self) -> None:
        """End the request, because the application has failed."""

    async def finish(self) -> None:
        """End the request, because the application has returned."""


def name_of(application: object) -> str:
    """Return the name of an application for the log."""
    kind = type(application)
    name: str = getattr(application, "__qualname__", kind.__qualname__)
    return f"{getattr(application, '__module__', kind.__module__)}.{name}"


async def run_application(application: ASGIApplication, scope: Scope, receive: Receive, send: Send) -> None:
    """Call an application.

    Raises:
        TypeError: it is no ASGI 3 application, as it does not return an awaitable.
    """
    result: object = application(scope, receive, send)
    if not inspect.isawaitable(result):
        raise TypeError(f"expected an ASGI 3 application, which returns an awaitable, not {result!r}")
    await result


class Application:
    """An application beside the engine. Its tasks are not cancelled when clients disconnect, only by a stop.

    Args:
        application: the ASGI 3 application.
        service: the objects that all requests share.
        spawn: starts a task of the server.
        root_path: begins all paths that the application is given; see ``EngineConfig.asgi_root_path``.
        state: the state that the application sets in its lifespan.
        log: the logger for errors of the application.
    """

    def __init__(
        self,
        application: ASGIApplication,
        service: EngineService,
        spawn: Spawn,
        root_path: str,
        state: dict[str, Any],
        log: logging.Logger,
    ) -> None:
        self._application = application
        self._name = name_of(application)
        self._service = service
        self._spawn = spawn
        self._root_path = root_path
        self._state = state
        self._log = log
        self._held_log = LogLimit(HELD_INTERVAL, HELD_PATHS)

    # called by connections; see ``OutsideApplication``

    async def respond(self, request: EngineRequest, http: Http1Connection) -> bool:
        """Answer the current request, and return whether the connection can carry another."""
        self._service.admission.apply_trusted_proxies(request)
        call = HttpCall(request, http, self._service)
        call.begin()
        self._start(
            call, http_scope(request, http, self._root_path, self._state), f"{request.method} {request.path}"
        )
        return await call.serve()

    async def converse(self, request: EngineRequest, http: Http1Connection) -> None:
        """Answer a request for a WebSocket, and serve the WebSocket until it has ended."""
        self._service.admission.apply_trusted_proxies(request)
        call = WebSocketCall(request, http, self._service)
        if await call.handshake():
            self._start(
                call,
                websocket_scope(request, http, self._root_path, self._state),
                f"the WebSocket {request.path}",
            )
            await call.serve()

    # the application's tasks

    def _start(self, call: Call, scope: Scope, what: str) -> None:
        self._spawn(self._run, call, scope, what, name=f"{self._name}: {what}")

    async def _run(self, call: Call, scope: Scope, what: str) -> None:
        """Call the application with one request, and end the request if the application has not."""
        try:
            await measured(
                run_application(self._application, scope, call.receive, _checked(call.send)),
                lambda seconds: self._held(seconds, what),
            )
        except PASSING:
            raise
        except BaseException as error:
            if passes(error):
                raise
            if not call.explains(error):
                self._failed(what, error)
            await call.fail()
        else:
            if call.is_unanswered:
                self._log.error(
                    "the application %s returned without a complete response to %s", self._name, what
                )
                await call.fail()
            await call.finish()

    def _failed(self, what: str, error: BaseException) -> None:
        self._log.error("the application %s failed in %s%s", self._name, what, remedy(error), exc_info=error)

    def _held(self, seconds: float, what: str) -> None:
        if self._held_log.allows(what, trio.current_time()):
            text = "the application %s blocked the event loop for %.1f s in %s: nothing else ran meanwhile"
            self._log.warning(text, self._name, seconds, what)


def _checked(send: Send) -> Send:
    """Return a ``send`` that refuses messages which are no mappings with a type."""

    async def checked(message: Message) -> None:
        if not hasattr(message, "get") or not isinstance(message.get("type"), str):
            raise TypeError(f"expected a message: a dict with 'type', not {message!r}")
        await send(message)

    return checked
