"""Register handlers for the events of Socket.IO."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, TypeVar, overload

from trio_socketio.handlers import EventName, HandlerFunction, HandlerTable
from trio_socketio.server._registration import require_registrable

__all__ = ["Listening", "NamespaceHandlers", "SocketHandlers"]

F = TypeVar("F", bound=HandlerFunction)


class SocketHandlers(HandlerTable):
    """The handlers of one socket, registered with ``socket.on``."""

    __slots__ = ()

    ALIASES: ClassVar[Mapping[EventName, EventName]] = {"connect": "connection"}

    def __init__(self) -> None:
        super().__init__(takes_socket=False)


class NamespaceHandlers(HandlerTable):
    """The handlers of a namespace.

    Args:
        socket_type: the class of the namespace's sockets.
    """

    __slots__ = ()

    ALIASES = SocketHandlers.ALIASES
    LIFECYCLE: ClassVar[Mapping[EventName, int]] = {"connection": 0, "disconnecting": 2, "disconnect": 2}

    def __init__(self, socket_type: type) -> None:
        super().__init__(takes_socket=True, socket_type=socket_type)


class Listening(ABC):
    """The methods of servers, namespaces and sockets that register handlers."""

    __slots__ = ()

    @abstractmethod
    def _table(self) -> HandlerTable:
        """Return the table of the handlers."""

    @overload
    def on(self, event: EventName, handler: F) -> F: ...
    @overload
    def on(self, event: EventName, handler: None = None) -> Callable[[F], F]: ...

    def on(self, event: EventName, handler: F | None = None) -> F | Callable[[F], F]:
        """Register a handler, as a decorator or directly.

        Args:
            event: an event name; on a server or namespace also ``"connection"``, ``"disconnecting"``, ``"disconnect"``.
            handler: ``async def`` or ``def``. It takes the socket (``socket.on`` leaves it out), then the event's
                arguments. Its return value is the acknowledgement: a plain tuple stands for several values, any other
                object, also a named tuple, for one. A ``def`` must not block.

        Raises:
            TypeError: the event's name is missing, the handler cannot take these arguments, or an annotation cannot be
                used.
            ValueError: the event is ``"*"``. Use ``on_any`` for all events.
        """
        return self._register(event, handler, once=False)

    @overload
    def once(self, event: EventName, handler: F) -> F: ...
    @overload
    def once(self, event: EventName, handler: None = None) -> Callable[[F], F]: ...

    def once(self, event: EventName, handler: F | None = None) -> F | Callable[[F], F]:
        """Register a handler as ``on`` does. It is removed when it is called."""
        return self._register(event, handler, once=True)

    def _register(self, event: EventName, handler: F | None, *, once: bool) -> F | Callable[[F], F]:
        require_registrable(event)

        def register(function: F) -> F:
            self._table().add(event, function, once=once)
            return function

        return register if handler is None else register(handler)

    def off(self, event: EventName, handler: HandlerFunction | None = None) -> None:
        """Remove one handler of an event, or all of them."""
        self._table().remove(event, lambda item: handler is None or item.function == handler)

    def remove_all_listeners(self, event: EventName | None = None) -> None:
        """Remove all handlers of an event, or of all events if none is given."""
        if event is None:
            self._table().clear()
        else:
            self.off(event)

    def listeners(self, event: EventName) -> list[HandlerFunction]:
        """Return the handlers of an event."""
        return [handler.function for handler in self._table().get(event)]

    def on_any(self, handler: F) -> F:
        """Call a function for every incoming event, before the event's own handlers, even if there are none.

        It is not called for ``connection``, ``disconnecting``, ``disconnect`` and acknowledgements. Its return value is
        ignored and acknowledges nothing. An event without a handler of its own still counts as unclaimed.

        Args:
            handler: ``async def`` or ``def``. It takes the socket (``socket.on_any`` leaves it out), the event's name
                and the event's arguments. It may take fewer arguments than there are.
        """
        return self._register_any(handler, first=False)

    def prepend_any(self, handler: F) -> F:
        """Register a function as ``on_any`` does, before all that are registered already."""
        return self._register_any(handler, first=True)

    def _register_any(self, function: F, *, first: bool) -> F:
        table = self._table()
        handler = (table.handler(function),)
        table.set_any(handler + table.any if first else table.any + handler)
        return function

    def off_any(self, handler: HandlerFunction | None = None) -> None:
        """Remove one function registered with ``on_any`` or ``prepend_any``, or all of them."""
        table = self._table()
        table.set_any(item for item in table.any if handler is not None and item.function != handler)

    def listeners_any(self) -> list[HandlerFunction]:
        """Return the functions registered with ``on_any`` and ``prepend_any``, in the order of their calls."""
        return [handler.function for handler in self._table().any]
