"""The hooks with which an application takes part in the handling of HTTP requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from trio_socketio.engineio._request import EngineRequest

__all__ = ["INTERRUPTS", "ConnectionErrorHook", "EngineHooks", "HeadersHook", "Middleware"]

#: The exceptions of plain functions of the application that are passed on, because they stop the program. All others
#: fail one request, also those that are no ``Exception``, such as ``asyncio.CancelledError``.
INTERRUPTS = (KeyboardInterrupt, SystemExit, GeneratorExit)

#: Called with a request and a function that continues its handling. A middleware that does not call this function
#: refuses the request.
Middleware = Callable[[EngineRequest, Callable[[], Awaitable[None]]], Awaitable[None]]

#: Called with the header fields of a response and the request. The header fields are a list that it may change.
HeadersHook = Callable[[list[tuple[str, str]], EngineRequest], object]

#: Called with the request and the code, the message and the context of its refusal.
ConnectionErrorHook = Callable[[EngineRequest, int, str, str], object]


class EngineHooks:
    """The hooks of one engine, in the order in which they were registered.

    Attributes:
        middlewares: called for every request.
        initial_headers: called once per session, for the response that opens it.
        headers: called for every response.
        connection_error: called once for every refused request.
    """

    __slots__ = ("connection_error", "headers", "initial_headers", "middlewares")

    def __init__(self) -> None:
        self.middlewares: list[Middleware] = []
        self.initial_headers: list[HeadersHook] = []
        self.headers: list[HeadersHook] = []
        self.connection_error: list[ConnectionErrorHook] = []
