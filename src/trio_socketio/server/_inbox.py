"""What a client has sent and no handler has taken yet, bounded; and the iterator over what no handler claims."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import trio

from trio_socketio.server._handlers import Ack
from trio_socketio.socketio import EventReceived

if TYPE_CHECKING:
    from trio_socketio.server._client import Client

__all__ = ["Event", "EventIterator", "Inbox"]

#: While a call is pending, reading goes on past the soft limit, up to this many times.
HARD_LIMIT = 4


class Event(NamedTuple):
    """An event that no handler claims, as ``async for event in socket`` gives it."""

    name: str | int | float
    args: list[Any]
    ack: Ack


class Inbox:
    """The events of one socket that wait for its handlers, and those being handled concurrently.

    Above its soft limit (``inbox_events``, ``inbox_bytes``) the client is not read any more, unless a call is pending
    that only reading can answer; then, at four times the limit, the client is given up. An event that finds the inbox
    empty is always accepted, whatever its size.

    Attributes:
        count: how many events wait, or are being handled concurrently.
    """

    __slots__ = ("_client", "_events", "_full", "_max_bytes", "_max_events", "_size_bytes", "count")

    def __init__(self, client: Client) -> None:
        config = client.runtime.config
        self._client = client
        self._events: deque[EventReceived] = deque()
        self.count = 0
        self._size_bytes = 0
        self._max_events = config.inbox_events
        self._max_bytes = config.inbox_bytes
        self._full = False

    @property
    def has_waiting(self) -> bool:
        """Whether there is an event to take."""
        return bool(self._events)

    def put(self, event: EventReceived) -> bool:
        """Queue an event; returns whether it is the only one, so that a parked worker has not heard of any yet."""
        self.count += 1
        self._size_bytes += event.size
        if self.count >= self._max_events or self._size_bytes >= self._max_bytes:
            self._fill()
            if self._is_past_the_hard_limit and self._client.calls_pending:
                limits = f"{HARD_LIMIT * self._max_events} events, {HARD_LIMIT * self._max_bytes} bytes"
                self._client.give_up(f"inbox of {limits} is full while a call is pending")
                return False
        self._events.append(event)
        return len(self._events) == 1

    def _fill(self) -> None:
        if not self._full:
            self._full = True
            self._client.inbox_full()

    @property
    def _is_past_the_hard_limit(self) -> bool:
        return self.count > 1 and (
            self.count > HARD_LIMIT * self._max_events or self._size_bytes >= HARD_LIMIT * self._max_bytes
        )

    def take(self) -> EventReceived | None:
        """The oldest event, None if there is none."""
        if not self._events:
            return None
        event = self._events.popleft()
        self.count -= 1
        self._size_bytes -= event.size
        if self._full:
            self._drain()
        return event

    def borrow(self) -> EventReceived | None:
        """The same, but it counts until ``done``."""
        return self._events.popleft() if self._events else None

    def done(self, event: EventReceived) -> None:
        """An event that was borrowed does not count any more."""
        self.count -= 1
        self._size_bytes -= event.size
        if self._full:
            self._drain()

    def _drain(self) -> None:
        if 2 * self.count <= self._max_events and 2 * self._size_bytes <= self._max_bytes:
            self._full = False
            self._client.inbox_drained()

    def close(self) -> None:
        """The socket has ended: forget what waits."""
        self._events.clear()
        if self._full:
            self._full = False
            self._client.inbox_drained()


class EventIterator:
    """Gives out unclaimed events, one at a time, for as long as somebody holds it."""

    __slots__ = ("__weakref__", "_events")

    def __init__(self, events: trio.MemoryReceiveChannel[Event]) -> None:
        self._events = events

    def __del__(self) -> None:
        self._events.close()

    def __aiter__(self) -> EventIterator:
        return self

    async def __anext__(self) -> Event:
        try:
            return await self._events.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError):
            raise StopAsyncIteration from None
