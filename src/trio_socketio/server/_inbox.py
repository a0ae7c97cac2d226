"""What a client has sent and no handler has taken yet, bounded; and the iterator over what no handler claims."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import trio

from trio_socketio.net import Signal
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
    """

    __slots__ = ("_client", "_count", "_events", "_full", "_size_bytes", "signal")

    def __init__(self, client: Client) -> None:
        self._client = client
        self._events: deque[EventReceived] = deque()
        self._count = 0
        self._size_bytes = 0
        self._full = False
        #: set when an event has come
        self.signal = Signal()

    @property
    def is_empty(self) -> bool:
        """Whether no event waits, or is being handled concurrently."""
        return not self._count

    def put(self, event: EventReceived) -> None:
        """Queue an event."""
        was_empty = self.is_empty
        self._count += 1
        self._size_bytes += event.size
        if self._exceeds(1) and not self._full:
            self._full = True
            self._client.inbox_full()
        if self._exceeds(HARD_LIMIT) and not was_empty and self._client.calls_pending:
            config = self._client.runtime.config
            limits = f"{HARD_LIMIT * config.inbox_events} events, {HARD_LIMIT * config.inbox_bytes} bytes"
            self._client.give_up(f"inbox of {limits} is full while a call is pending")
            return
        self._events.append(event)
        self.signal.set()

    def _exceeds(self, times: int) -> bool:
        config = self._client.runtime.config
        over = self._count - (times > 1)  # the soft limit is reached, the hard one passed
        return over >= times * config.inbox_events or self._size_bytes >= times * config.inbox_bytes

    def take(self) -> EventReceived | None:
        """The oldest event, None if there is none. It counts until ``done``."""
        return self._events.popleft() if self._events else None

    def done(self, event: EventReceived) -> None:
        """An event that was taken does not count any more."""
        config = self._client.runtime.config
        self._count -= 1
        self._size_bytes -= event.size
        if (
            self._full
            and 2 * self._count <= config.inbox_events
            and 2 * self._size_bytes <= config.inbox_bytes
        ):
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
