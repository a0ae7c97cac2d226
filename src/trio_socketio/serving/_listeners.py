"""The functions that an application has registered for events of one session."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType

from trio_socketio._passing import passes
from trio_socketio.engineio import Session
from trio_socketio.errors import DisconnectReason

__all__ = ["Listener", "Listeners"]

Listener = Callable[..., object]

_NONE: Mapping[str, tuple[Listener, ...]] = MappingProxyType({})


class Listeners:
    """The listeners of one session. An ``EngineConn`` adds them, and the peer calls them."""

    # One exists for each idle client of an EngineServer. To keep it small, the table is made for the first listener.
    __slots__ = ("_by_event", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._by_event = _NONE

    def add(self, event: str, listener: Listener) -> None:
        """Add a listener after the existing listeners of the event."""
        self._by_event = {**self._by_event, event: (*self._by_event.get(event, ()), listener)}
        if event == "drain":
            self._session.link.watched = True

    def call(self, event: str, *args: object) -> None:
        """Call the listeners of an event, in the order of registration. Log their exceptions."""
        for listener in self._by_event.get(event, ()):
            try:
                listener(*args)
            except BaseException as error:
                if passes(error):
                    raise
                logging.getLogger("trio_socketio.engine").exception("a listener for %r failed", event)

    def written(self) -> None:
        """Call the listeners for ``drain``, if all queued messages are written."""
        if "drain" in self._by_event and self._session.is_open:
            link = self._session.link
            if link.pushed == link.confirmed:
                self.call("drain")

    def ended(self, reason: DisconnectReason, description: str) -> None:
        """Call the listeners for ``close``, and drop all listeners."""
        self.call("close", str(reason), description)
        self.clear()

    def clear(self) -> None:
        """Drop all listeners, because they may refer to the socket and form a cycle with it."""
        self._by_event = _NONE
