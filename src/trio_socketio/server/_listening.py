"""Registering handlers, and who hears of an event."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TypeVar, overload

from trio_socketio.server._handlers import EventName, Handler, HandlerFunction
from trio_socketio.server._registration import require_event_name

__all__ = ["HandlerTable", "Listening"]

F = TypeVar("F", bound=HandlerFunction)

#: Node's two names for one event.
ALIASES: dict[EventName, EventName] = {"connect": "connection"}

#: How many arguments, besides the socket, the server's own events have.
LIFECYCLE: dict[EventName, int] = {"connection": 0, "disconnecting": 2, "disconnect": 2}


class HandlerTable:
    """Event names to handlers, in the order of registration.

    Attributes:
        by_event: all of them, under Socket.IO's own names for its events.
        inline: of those events, the ones that a packet may bring and whose handlers are all plain functions: one
            look decides that an event is handled without a task.
        lone: and those with one handler that is ``async def`` and simple, which are most of the others.
        any: what hears of every event, before its handlers; while there is somebody, ``inline`` and ``lone`` are empty.
    """

    __slots__ = ("any", "by_event", "inline", "lone", "socket_type", "takes_socket")

    def __init__(self, *, takes_socket: bool, socket_type: type = object) -> None:
        self.by_event: dict[EventName, tuple[Handler, ...]] = {}
        self.inline: dict[EventName, tuple[Handler, ...]] = {}
        self.lone: dict[EventName, Handler] = {}
        self.any: tuple[Handler, ...] = ()
        self.takes_socket = takes_socket
        self.socket_type = socket_type

    def handler(self, function: HandlerFunction, *, once: bool = False) -> Handler:
        """A function as the handlers here are called."""
        return Handler(function, takes_socket=self.takes_socket, once=once, socket_type=self.socket_type)

    def add(self, event: EventName, function: HandlerFunction, *, once: bool) -> None:
        """Register a function."""
        event = ALIASES.get(event, event)
        handler = self.handler(function, once=once)
        self._check(event, handler)
        self._set(event, (*self.get(event), handler))

    def _check(self, event: EventName, handler: Handler) -> None:
        """Refuse what can never be called, as far as is known what the event has."""
        if self.takes_socket and event in LIFECYCLE:
            handler.require_at_most(LIFECYCLE[event], event)

    def get(self, event: EventName) -> tuple[Handler, ...]:
        """The handlers of an event; changes made while they run do not affect this tuple."""
        return self.by_event.get(ALIASES.get(event, event), ())

    def remove(self, event: EventName, unwanted: Callable[[Handler], bool]) -> None:
        """Remove those handlers of an event that are not wanted any more."""
        kept = tuple(handler for handler in self.get(event) if not unwanted(handler))
        self._set(ALIASES.get(event, event), kept)

    def _set(self, event: EventName, handlers: tuple[Handler, ...]) -> None:
        self.by_event.pop(event, None)
        if handlers:
            self.by_event[event] = handlers
        self._index(event, handlers)

    def _index(self, event: EventName, handlers: tuple[Handler, ...]) -> None:
        self.inline.pop(event, None)
        self.lone.pop(event, None)
        if not handlers or self.any or (self.takes_socket and event in LIFECYCLE):
            return
        if not any(handler.is_async for handler in handlers):
            self.inline[event] = handlers
        elif len(handlers) == 1 and handlers[0].is_simple:
            self.lone[event] = handlers[0]

    def set_any(self, handlers: Iterable[Handler]) -> None:
        """Change what hears of every event."""
        self.any = tuple(handlers)
        for event, registered in self.by_event.items():
            self._index(event, registered)

    def clear(self) -> None:
        """Remove all that hear of certain events."""
        self.by_event.clear()
        self.inline.clear()
        self.lone.clear()


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
        require_event_name(event)

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
