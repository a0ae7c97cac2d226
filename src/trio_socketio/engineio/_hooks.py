"""What an application adds to the handling of HTTP requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from trio_socketio.engineio._request import EngineRequest

__all__ = ["ConnectionErrorHook", "EngineHooks", "HeadersHook", "Middleware"]

#: Called with a request and what goes on with it; whoever neither calls that nor raises refuses the request.
Middleware = Callable[[EngineRequest, Callable[[], Awaitable[None]]], Awaitable[None]]

#: Called with the header fields of a response, a list to be changed, and the request.
HeadersHook = Callable[[list[tuple[str, str]], EngineRequest], object]

#: Called with the request, and the code, the message and the context of its refusal.
ConnectionErrorHook = Callable[[EngineRequest, int, str, str], object]


class EngineHooks:
    """The hooks of one engine, in the order in which they were registered.

    Attributes:
        middlewares: for every request.
        initial_headers: for the response that opens a session, once.
        headers: for every response.
        connection_error: for every refusal, once.
    """

    __slots__ = ("connection_error", "headers", "initial_headers", "middlewares")

    def __init__(self) -> None:
        self.middlewares: list[Middleware] = []
        self.initial_headers: list[HeadersHook] = []
        self.headers: list[HeadersHook] = []
        self.connection_error: list[ConnectionErrorHook] = []
