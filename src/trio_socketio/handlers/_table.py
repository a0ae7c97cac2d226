"""Tables that map the names of events to handlers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from trio_socketio.handlers._handler import EventName, Handler, HandlerFunction

__all__ = ["HandlerTable", "JoinedTable", "claim"]


class HandlerTable:
    """Handlers by event, in the order of registration.

    Args:
        takes_socket: whether the first parameter of the handlers is the socket.
        socket_type: the class of that socket, if it is known.

    Attributes:
        by_event: all handlers of single events.
        inline: the events that a client may send and whose handlers are all plain functions. One lookup decides that an
            event is handled without a task.
        lone: the events that a client may send and that have exactly one handler, a simple ``async def``.
        any: the handlers that are called for every event, before its own handlers. While there are such handlers,
            ``inline`` and ``lone`` are empty.
    """

    __slots__ = ("any", "by_event", "inline", "lone", "socket_type", "takes_socket")

    #: Maps other names of events to the names used here.
    ALIASES: ClassVar[Mapping[EventName, EventName]] = {}
    #: The events that only the server triggers, and how many arguments, besides the socket, each has.
    LIFECYCLE: ClassVar[Mapping[EventName, int]] = {}

    def __init__(self, *, takes_socket: bool, socket_type: type = object) -> None:
        self.by_event: dict[EventName, tuple[Handler, ...]] = {}
        self.inline: dict[EventName, tuple[Handler, ...]] = {}
        self.lone: dict[EventName, Handler] = {}
        self.any: tuple[Handler, ...] = ()
        self.takes_socket = takes_socket
        self.socket_type = socket_type

    def handler(self, function: HandlerFunction, *, once: bool = False) -> Handler:
        """Make a handler of a function, with the settings of this table."""
        return Handler(function, takes_socket=self.takes_socket, once=once, socket_type=self.socket_type)

    def add(self, event: EventName, function: HandlerFunction, *, once: bool) -> None:
        """Register a function.

        Raises:
            TypeError: see ``Handler``; or the function needs more arguments than the event has.
        """
        event = self.ALIASES.get(event, event)
        handler = self.handler(function, once=once)
        self._check(event, handler)
        self._set(event, (*self.get(event), handler))

    def _check(self, event: EventName, handler: Handler) -> None:
        """Refuse a handler that needs more arguments than a lifecycle event has."""
        if event in self.LIFECYCLE:
            handler.require_at_most(self.LIFECYCLE[event], event)

    def get(self, event: EventName) -> tuple[Handler, ...]:
        """Return the handlers of an event; later changes do not affect this tuple."""
        return self.by_event.get(self.ALIASES.get(event, event), ())

    def sent(self, event: EventName) -> tuple[Handler, ...]:
        """Return the handlers of an event that a client has sent. A lifecycle event sent by a client has none."""
        return () if event in self.LIFECYCLE else self.get(event)

    def remove(self, event: EventName, unwanted: Callable[[Handler], bool]) -> None:
        """Remove those handlers of an event for which ``unwanted`` returns True."""
        kept = tuple(handler for handler in self.get(event) if not unwanted(handler))
        self._set(self.ALIASES.get(event, event), kept)

    def _set(self, event: EventName, handlers: tuple[Handler, ...]) -> None:
        self.by_event.pop(event, None)
        if handlers:
            self.by_event[event] = handlers
        self._index(event, handlers)

    def _index(self, event: EventName, handlers: tuple[Handler, ...]) -> None:
        self.inline.pop(event, None)
        self.lone.pop(event, None)
        if not handlers or self.any or event in self.LIFECYCLE:
            return
        if not any(handler.is_async for handler in handlers):
            self.inline[event] = handlers
        elif len(handlers) == 1 and handlers[0].is_simple:
            self.lone[event] = handlers[0]

    def set_any(self, handlers: Iterable[Handler]) -> None:
        """Replace the handlers that are called for every event."""
        self.any = tuple(handlers)
        for event, registered in self.by_event.items():
            self._index(event, registered)

    def clear(self) -> None:
        """Remove all handlers of single events."""
        self.by_event.clear()
        self.inline.clear()
        self.lone.clear()


class JoinedTable:
    """The handlers of a socket that has its own handlers. They are called after the handlers that all sockets share.

    Attributes:
        shared: the handlers of all sockets.
        own: the handlers of this socket.
        inline: as in ``HandlerTable``.
        lone: empty.
    """

    __slots__ = ("inline", "own", "shared")

    lone: ClassVar[Mapping[EventName, Handler]] = {}

    def __init__(self, shared: HandlerTable, own: HandlerTable) -> None:
        self.shared = shared
        self.own = own
        self.inline = _Inline(shared, own)

    @property
    def any(self) -> tuple[Handler, ...]:
        """The handlers that are called for every event."""
        return self.shared.any + self.own.any

    def get(self, event: EventName) -> tuple[Handler, ...]:
        """Return the handlers of an event."""
        return self.shared.get(event) + self.own.get(event)

    def sent(self, event: EventName) -> tuple[Handler, ...]:
        """Return the handlers of an event that a client has sent."""
        return self.shared.sent(event) + self.own.sent(event)

    def remove(self, event: EventName, unwanted: Callable[[Handler], bool]) -> None:
        """Remove those handlers of an event for which ``unwanted`` returns True."""
        self.shared.remove(event, unwanted)
        self.own.remove(event, unwanted)


class _Inline:
    """``JoinedTable.inline``. It is computed at each lookup, because both tables may change."""

    __slots__ = ("_own", "_shared")

    def __init__(self, shared: HandlerTable, own: HandlerTable) -> None:
        self._shared = shared
        self._own = own

    def get(self, event: EventName) -> tuple[Handler, ...] | None:
        if self._shared.any or self._own.any:
            return None
        handlers = self._shared.sent(event) + self._own.sent(event)
        return None if any(handler.is_async for handler in handlers) else handlers


def claim(table: HandlerTable | JoinedTable, event: EventName, handler: Handler) -> bool:
    """Return whether to call a handler. Remove a handler that was registered with ``once``: it is called once."""
    if not handler.once:
        return True
    if handler.spent:
        return False
    handler.spent = True
    table.remove(event, lambda item: item is handler)
    return True
