"""What a client has sent and no handler has taken yet, bounded; and the iterator over what no handler claims."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import trio

from trio_socketio._core import EventQueue
from trio_socketio.server._handlers import Ack

if TYPE_CHECKING:
    from trio_socketio.server._from_thread import Inlet
    from trio_socketio.server._session_client import SessionClient

__all__ = ["Event", "EventIterator", "Inbox"]


class Sized(Protocol):
    """What waits."""

    @property
    def size(self) -> int:
        """In bytes."""


E = TypeVar("E", bound=Sized)

#: While a call is pending, reading goes on past the soft limit, up to this many times.
HARD_LIMIT = 4


class Event(NamedTuple):
    """An event that no handler claims, as ``async for event in socket`` gives it."""

    name: str | int | float
    args: list[Any]
    ack: Ack


class Inbox(EventQueue[E]):
    """The events, or messages, of one socket that wait for its handlers, and those being handled concurrently.

    Above its soft limit (``inbox_events``, ``inbox_bytes``) the client is not read any more, unless a call is pending
    that only reading can answer; then, at four times the limit, the client is given up. An event that finds the inbox
    empty is always accepted, whatever its size.
    """

    __slots__ = ("_client",)

    def __init__(self, client: SessionClient) -> None:
        config = client.runtime.config
        super().__init__(config.inbox_events, config.inbox_bytes)
        self._client = client

    def filled(self, first: bool) -> bool:
        """Stop reading; returns whether the event is accepted."""
        client, config = self._client, self._client.runtime.config
        if first:
            client.inbox_full()
        max_events, max_bytes = HARD_LIMIT * config.inbox_events, HARD_LIMIT * config.inbox_bytes
        is_past = self.count > 1 and (self.count > max_events or self.size_bytes >= max_bytes)
        if is_past and client.calls_pending:
            client.give_up(f"inbox of {max_events} events, {max_bytes} bytes is full while a call is pending")
            return False
        return True

    def drained(self) -> None:
        """Read on."""
        self._client.inbox_drained()


class EventIterator:
    """Gives out unclaimed events, one at a time, for as long as somebody holds it."""

    __slots__ = ("__weakref__", "_events", "_inlet")

    def __init__(self, events: trio.MemoryReceiveChannel[Event], inlet: Inlet) -> None:
        self._events = events
        self._inlet = inlet

    def __del__(self) -> None:
        self._inlet.finalize(self._events.close)

    def __aiter__(self) -> EventIterator:
        return self

    async def __anext__(self) -> Event:
        try:
            return await self._events.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError):
            raise StopAsyncIteration from None
