"""The events that a client has sent and that no handler has taken yet."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from trio_socketio._core import EventQueue
from trio_socketio.handlers._handler import EventName

__all__ = ["Event", "Inbox", "Reading"]


class Event(Protocol):
    """An event of a client, decoded."""

    @property
    def name(self) -> EventName:
        """Decides which handlers are called."""
        ...

    @property
    def args(self) -> list[Any]:
        """The arguments of its handlers, after the socket."""
        ...

    @property
    def ack_id(self) -> int | None:
        """The id of the acknowledgement that the client waits for; None: it waits for none."""

    @property
    def size(self) -> int:
        """In bytes."""
        ...


class Reading(Protocol):
    """A connection that is not read while an inbox is full."""

    def inbox_full(self) -> None:
        """Stop reading: an inbox has become full."""

    def inbox_drained(self) -> None:
        """That inbox has room again."""


E = TypeVar("E", bound=Event)


class Inbox(EventQueue[E]):
    """The events of one socket that wait for its handlers, and those that are handled concurrently. Bounded.

    An event is accepted even if it does not fit; then the connection is not read until half of each limit is free.

    Args:
        reading: the connection.
        max_events: how many events fill it.
        max_bytes: events of how many bytes fill it.

    Attributes:
        current: the name of the event that was taken last; its handlers run, or have run.
    """

    __slots__ = ("_reading", "current")

    def __init__(self, reading: Reading, max_events: int, max_bytes: int) -> None:
        super().__init__(max_events, max_bytes)
        self._reading = reading
        self.current: EventName = ""

    def filled(self, first: bool) -> bool:
        """Stop reading, and accept the event."""
        if first:
            self._reading.inbox_full()
        return True

    def drained(self) -> None:
        """Read on."""
        self._reading.inbox_drained()
