"""An Engine.IO server, which serves by itself or below a Socket.IO server."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar, Unpack, cast, overload

from trio_socketio.engine_server._registration import require_engine_middleware
from trio_socketio.engine_server._registry import MessageHandlers
from trio_socketio.engine_server._runtime import EngineRuntime
from trio_socketio.engine_server._socket import EngineSocket
from trio_socketio.engineio import Middleware
from trio_socketio.handlers import require_event_name, require_hook, require_task
from trio_socketio.serving import (
    EngineConfig,
    EngineObserver,
    EngineServerOptions,
    EngineState,
    Serving,
)

__all__ = ["EngineServer", "engine_below"]

M = TypeVar("M", bound=Middleware)
F = TypeVar("F", bound=Callable[..., object])

#: The events of HTTP requests, and how many arguments their hooks have.
_HOOKS = {"connection_error": 4, "headers": 2, "initial_headers": 2}
#: The events of sockets.
_EVENTS = ("close", "connection", "message")


class EngineServer(Serving[EngineConfig, EngineRuntime]):
    """An Engine.IO server: sessions over polling and WebSocket, which exchange text and binary messages.

    It serves by itself, or below a Socket.IO server: ``Server(engine=EngineServer(...))``. A ``Server`` without this
    argument makes an engine, ``io.engine``. Constructing an ``EngineServer`` does no I/O and needs no running Trio.

    Args:
        **options: see ``EngineServerOptions``. Times are in seconds, and sizes in bytes. The default of ``path`` is
            ``/engine.io/``.

    Raises:
        TypeError: an option does not exist, or its value has the wrong type.
        ValueError: an option's value is out of range.
    """

    def __init__(self, **options: Unpack[EngineServerOptions]) -> None:
        self._begin(EngineConfig.make(options))

    def _begin(self, config: EngineConfig) -> None:
        super().__init__(config, EngineState())
        self._handlers = MessageHandlers(takes_socket=True, socket_type=EngineSocket)

    def _reserve(self) -> EngineState:
        """Reserve the engine for a ``Server``."""
        if self._engine_state.is_below or self._runtime is not None:
            raise ValueError("this engine is already in use: make another EngineServer for this Server")
        if self._handlers.by_event:
            raise ValueError(
                "this engine has handlers for sockets, which a Server does not call: register handlers with io.on(...)"
            )
        self._engine_state.is_below = True
        return self._engine_state

    @property
    def clients_count(self) -> int:
        """How many sessions there are; 0 while the server does not run."""
        return 0 if self._engine_state.engine is None else self._engine_state.engine.clients_count

    @property
    def refused(self) -> Mapping[str, int]:
        """How many requests were refused since the server started, by the ``context`` of ``connection_error``."""
        engine = self._engine_state.engine
        return MappingProxyType({} if engine is None else engine.rules.refused)

    def use(self, middleware: M) -> M:
        """Await ``middleware(request, next)`` for every request to the engine, in the order of registration.

        A middleware that awaits ``next()`` lets the request continue. A middleware that returns without this, or
        raises, refuses the request with code 3. If it raises ``Forbidden``, the response is 403 with the message of the
        exception.

        To add header fields to every response, extend ``request.response_headers``, a sequence of pairs that may hold
        some already. If one of them cannot be sent, all of them are left out. All middlewares of a request together may
        take ``admission_timeout``.
        """
        require_engine_middleware(middleware)
        self._engine_state.hooks.middlewares.append(middleware)
        return middleware

    @property
    def clients(self) -> list[EngineSocket]:
        """A list of the open sockets. Empty if the engine is below a ``Server`` or does not run."""
        return [] if self._runtime is None else [peer.socket for peer in self._runtime.peers.values()]

    @property
    def observer(self) -> EngineObserver | None:
        """The observer of all sessions; see ``EngineObserver``. Set it before the server runs."""
        return self._engine_state.observer

    @observer.setter
    def observer(self, observer: EngineObserver | None) -> None:
        if self._engine_state.engine is not None:
            raise RuntimeError("the server is running: set the observer before it starts")
        self._engine_state.observer = observer

    @overload
    def on(self, event: str, function: F) -> F: ...
    @overload
    def on(self, event: str, function: None = None) -> Callable[[F], F]: ...

    def on(self, event: str, function: F | None = None) -> F | Callable[[F], F]:
        """Register a function for an event. Also works as a decorator. A plain function must not block.

        Events of sockets, for an engine that serves by itself. The function may be ``async def``. An exception closes
        the socket.

        - ``"connection"``: ``(socket)``, for each session. An ``async def`` is cancelled when the session ends.
        - ``"message"``: ``(socket, data)``, for each message. Messages of one socket are handled one after the other.
        - ``"close"``: ``(socket, reason, description)``, when a session and its handlers have ended.

        Events of HTTP requests, for plain functions:

        - ``"initial_headers"``: ``(headers, request)``, for the response that opens a session. The function may change
          ``headers``, a list of pairs.
        - ``"headers"``: the same for every response to a request to the engine.
        - ``"connection_error"``: ``(request, code, message, context)``, once for every refused request.

        Raises:
            ValueError: the event does not exist, or it is an event of sockets and the engine belongs to a ``Server``.
            TypeError: the function is an ``async def`` for an event of HTTP requests, or takes other arguments.
        """
        if callable(event):
            require_event_name(event)
        if event not in (*_HOOKS, *_EVENTS):
            raise ValueError(
                f"event must be one of {', '.join(map(repr, (*_EVENTS, *_HOOKS)))}, not {event!r}"
            )
        if event in _EVENTS and self._engine_state.is_below:
            raise ValueError(
                f"the engine belongs to a Server, which does not call handlers for {event!r}: use io.on(...)"
            )
        if function is None:
            return lambda decorated: self.on(event, decorated)
        if event in _EVENTS:
            if self._runtime is not None:
                require_task("on, while the server runs,")
            self._handlers.add(event, function, once=False)
            if self._runtime is not None:
                self._runtime.deliver()
            return function
        require_hook(function, f"a hook for {event!r}", _HOOKS[event])
        cast("list[Callable[..., object]]", getattr(self._engine_state.hooks, event)).append(function)
        return function

    # running

    def _make_runtime(self) -> EngineRuntime:
        if self._engine_state.is_below:
            raise RuntimeError("the engine belongs to a Server: run the Server instead")
        log = logging.getLogger("trio_socketio.socket")
        return EngineRuntime(self._config, self._engine_state, self._handlers, log)


class _OwnEngine(EngineServer):
    """The engine that a ``Server`` makes without the argument ``engine``."""

    def __init__(self, config: EngineConfig) -> None:
        self._begin(config)


def engine_below(config: EngineConfig, engine: EngineServer | None) -> tuple[EngineServer, EngineState]:
    """Reserve the engine of a Socket.IO server: ``engine``, or a new one if it is None.

    Raises:
        ValueError: the engine serves already, or has handlers for its own sockets.
    """
    below = _OwnEngine(config) if engine is None else engine
    return below, below._reserve()  # noqa: SLF001 - a public name for it would be for applications, too
