"""The table of the handlers for an engine's sockets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from trio_socketio.handlers import EventName, Handler, HandlerTable

__all__ = ["MessageHandlers"]


class MessageHandlers(HandlerTable):
    """The handlers of an engine, or of one of its sockets. Each event has a fixed number of arguments."""

    __slots__ = ()

    LIFECYCLE: ClassVar[Mapping[EventName, int]] = {"connection": 0, "close": 2}

    def _check(self, event: EventName, handler: Handler) -> None:
        super()._check(event, handler)
        if event == "message":
            handler.require_at_most(1, event)
            if not handler.most:
                raise TypeError(f"{handler.name} has no parameter for the message")
