"""The Engine.IO server below a Socket.IO server, as applications see it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar, cast

from trio_socketio.engineio import Engine, EngineHooks, Middleware

__all__ = ["EngineServer"]

M = TypeVar("M", bound=Middleware)
F = TypeVar("F", bound=Callable[..., object])

_EVENTS = ("connection_error", "headers", "initial_headers")


class EngineServer:
    """Takes the application's hooks for HTTP requests, also before the server runs. Servers make it themselves."""

    def __init__(self) -> None:
        self._hooks = EngineHooks()
        self._engine: Engine | None = None

    @property
    def clients_count(self) -> int:
        """How many sessions there are; none while the server does not run."""
        return 0 if self._engine is None else self._engine.clients_count

    @property
    def refused(self) -> Mapping[str, int]:
        """How many requests were refused since the server runs, by the context that ``connection_error`` is told."""
        return MappingProxyType({} if self._engine is None else self._engine.refused)

    def use(self, middleware: M) -> M:
        """Await ``middleware(request, next)`` for every request to the engine, in the order of registration.

        Who awaits ``next()`` lets the request go on; who does not, or raises, refuses it: with code 3, or with 403 and
        its message for ``Forbidden``. What is put into ``request.response_headers``, a sequence of pairs that is there
        already, goes with every response if all of it can be sent. All of them together may take ``connect_timeout``.
        """
        functions = middleware, type(middleware).__call__
        if not any(inspect.iscoroutinefunction(function) for function in functions):
            raise TypeError(f"a middleware of the engine is an async def, unlike {middleware!r}")
        self._hooks.middlewares.append(middleware)
        return middleware

    def on(self, event: str, function: F | None = None) -> Any:
        """Call a plain function for an event; also a decorator. It must not block.

        - ``"initial_headers"``: ``(headers, request)``, for the response that opens a session. The headers are a list
          of pairs that may be changed.
        - ``"headers"``: the same for every response to a request to the engine.
        - ``"connection_error"``: ``(request, code, message, context)``, for every request that is refused, once.

        Raises:
            ValueError: there is no such event.
            TypeError: the function is never awaited.
        """
        if event not in _EVENTS:
            raise ValueError(f"the engine's events are {', '.join(_EVENTS)}, not {event!r}")
        if function is None:
            return lambda decorated: self.on(event, decorated)
        if inspect.iscoroutinefunction(function):
            raise TypeError(
                f"{function.__qualname__} is never awaited: hooks of the engine are plain functions"
            )
        cast("list[Callable[..., object]]", getattr(self._hooks, event)).append(function)
        return function
