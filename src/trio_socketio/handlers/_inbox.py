"""The queue of events that a client has sent and that are not handled yet."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from trio_socketio._core import EventQueue
from trio_socketio.handlers._handler import EventName

__all__ = ["Event", "Inbox", "Reading"]


class Event(Protocol):
    """A decoded event of a client."""

    @property
    def name(self) -> EventName:
        """The name of the event, which selects its handlers."""
        ...

    @property
    def args(self) -> list[Any]:
        """The arguments for its handlers, after the socket."""
        ...

    @property
    def ack_id(self) -> int | None:
        """The id of the acknowledgement that the client waits for, or None."""

    @property
    def size(self) -> int:
        """The size of the event in bytes."""
        ...


class Reading(Protocol):
    """A connection, which is not read while an inbox of it is full."""

    def inbox_full(self) -> None:
        """Stop reading the connection: an inbox has become full."""

    def inbox_drained(self) -> None:
        """Note that an inbox has room again. Reading resumes when all inboxes have room."""


E = TypeVar("E", bound=Event)


class Inbox(EventQueue[E]):
    """A bounded queue of the events of one socket: those that wait, and those that are handled concurrently.

    An event that reaches a limit is accepted; then the connection is not read until half of each limit is free.

    Args:
        reading: the connection.
        max_events: the inbox is full with this number of events.
        max_bytes: the inbox is full with events of this size in bytes.

    Attributes:
        current: the name of the event that was taken last. Its handlers run, or have returned.
    """

    __slots__ = ("_reading", "current")

    def __init__(self, reading: Reading, max_events: int, max_bytes: int) -> None:
        super().__init__(max_events, max_bytes)
        self._reading = reading
        self.current: EventName = ""

    def filled(self, first: bool) -> bool:
        """Accept the event, and stop reading the connection."""
        if first:
            self._reading.inbox_full()
        return True

    def drained(self) -> None:
        """Resume reading the connection."""
        self._reading.inbox_drained()
