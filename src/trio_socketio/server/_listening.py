"""Registering handlers for the events of Socket.IO."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, TypeVar, overload

from trio_socketio.handlers import EventName, HandlerFunction, HandlerTable
from trio_socketio.server._registration import require_registrable

__all__ = ["Listening", "NamespaceHandlers", "SocketHandlers"]

F = TypeVar("F", bound=HandlerFunction)


class SocketHandlers(HandlerTable):
    """Handlers of one socket: those of ``socket.on``."""

    __slots__ = ()

    ALIASES: ClassVar[Mapping[EventName, EventName]] = {"connect": "connection"}

    def __init__(self) -> None:
        super().__init__(takes_socket=False)


class NamespaceHandlers(HandlerTable):
    """Handlers of a namespace.

    Args:
        socket_type: the class of its sockets.
    """

    __slots__ = ()

    ALIASES = SocketHandlers.ALIASES
    LIFECYCLE: ClassVar[Mapping[EventName, int]] = {"connection": 0, "disconnecting": 2, "disconnect": 2}

    def __init__(self, socket_type: type) -> None:
        super().__init__(takes_socket=True, socket_type=socket_type)


class Listening(ABC):
    """Registering handlers: what servers, namespaces and sockets have in common."""

    __slots__ = ()

    @abstractmethod
    def _table(self) -> HandlerTable:
        """Where the handlers are kept."""

    @overload
    def on(self, event: EventName, handler: F) -> F: ...
    @overload
    def on(self, event: EventName, handler: None = None) -> Callable[[F], F]: ...

    def on(self, event: EventName, handler: F | None = None) -> F | Callable[[F], F]:
        """Register a handler, as a decorator or directly.

        Args:
            event: an event name; on a server or namespace also ``"connection"``, ``"disconnecting"``, ``"disconnect"``.
            handler: ``async def`` or ``def``; the socket (for ``socket.on`` it is left out), then the event's
                arguments. What it returns is the acknowledgement: a tuple is several values, all else one, also a named
                tuple. A ``def`` must not block.

        Raises:
            TypeError: the event's name is missing, the handler cannot be called so, or an annotation cannot be used.
            ValueError: the event is ``"*"``; ``on_any`` is for all events.
        """
        return self._register(event, handler, once=False)

    @overload
    def once(self, event: EventName, handler: F) -> F: ...
    @overload
    def once(self, event: EventName, handler: None = None) -> Callable[[F], F]: ...

    def once(self, event: EventName, handler: F | None = None) -> F | Callable[[F], F]:
        """As ``on``; the handler is removed when it is called."""
        return self._register(event, handler, once=True)

    def _register(self, event: EventName, handler: F | None, *, once: bool) -> F | Callable[[F], F]:
        require_registrable(event)

        def register(function: F) -> F:
            self._table().add(event, function, once=once)
            return function

        return register if handler is None else register(handler)

    def off(self, event: EventName, handler: HandlerFunction | None = None) -> None:
        """Remove a handler, or all of an event."""
        self._table().remove(event, lambda item: handler is None or item.function == handler)

    def remove_all_listeners(self, event: EventName | None = None) -> None:
        """Remove all handlers, or all of an event."""
        if event is None:
            self._table().clear()
        else:
            self.off(event)

    def listeners(self, event: EventName) -> list[HandlerFunction]:
        """The handlers of an event."""
        return [handler.function for handler in self._table().get(event)]

    def on_any(self, handler: F) -> F:
        """Call a function for every event that comes in, before the event's own handlers and whether it has any.

        Not for ``connection``, ``disconnecting`` and ``disconnect``, nor for acknowledgements. It does not answer: what
        it returns is ignored, and so the event is still unclaimed if it has no handler.

        Args:
            handler: ``async def`` or ``def``; gets the socket (for ``socket.on_any`` it is left out), the event's name
                and its arguments, as many of them as it takes.
        """
        return self._register_any(handler, first=False)

    def prepend_any(self, handler: F) -> F:
        """As ``on_any``, but before all that were registered so."""
        return self._register_any(handler, first=True)

    def _register_any(self, function: F, *, first: bool) -> F:
        table = self._table()
        handler = (table.handler(function),)
        table.set_any(handler + table.any if first else table.any + handler)
        return function

    def off_any(self, handler: HandlerFunction | None = None) -> None:
        """Remove what ``on_any`` has registered, or all of it."""
        table = self._table()
        table.set_any(item for item in table.any if handler is not None and item.function != handler)

    def listeners_any(self) -> list[HandlerFunction]:
        """What hears of every event, in the order of the calls."""
        return [handler.function for handler in self._table().any]
