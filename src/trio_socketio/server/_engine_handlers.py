"""The handlers of an engine's sockets: each of their events has so many arguments, and no more."""

from __future__ import annotations

from trio_socketio.server._handlers import EventName, Handler
from trio_socketio.server._listening import HandlerTable

__all__ = ["MessageHandlers"]

#: How many arguments, besides the socket, the events have.
_ARGUMENTS: dict[EventName, int] = {"connection": 0, "message": 1, "close": 2}


class MessageHandlers(HandlerTable):
    """Handlers of an engine, or of one of its sockets."""

    __slots__ = ()

    def _check(self, event: EventName, handler: Handler) -> None:
        handler.require_at_most(_ARGUMENTS[event], event)
        if event == "message" and not handler.most:
            raise TypeError(f"{handler.name} has no parameter for the message")
