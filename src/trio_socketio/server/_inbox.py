"""What a client has sent and no handler has taken yet, bounded; and the iterator over what no handler claims."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import trio

from trio_socketio._core import EventQueue
from trio_socketio.handlers import Ack
from trio_socketio.socketio import EventReceived, Undecoded

if TYPE_CHECKING:
    from trio_socketio.server._client import Client
    from trio_socketio.server._from_thread import Inlet
    from trio_socketio.server._session_client import SessionClient

__all__ = ["Event", "EventInbox", "EventIterator", "Inbox"]


class Sized(Protocol):
    """What waits."""

    @property
    def size(self) -> int:
        """In bytes."""


E = TypeVar("E", bound=Sized)


class Event(NamedTuple):
    """An event that no handler claims, as ``async for event in socket`` gives it."""

    name: str | int | float
    args: list[Any]
    ack: Ack


class Inbox(EventQueue[E]):
    """The events, or messages, of one socket that wait for its handlers, and those being handled concurrently.

    When it is full (``inbox_events``, ``inbox_bytes``) the client is not read any more. While a call is pending,
    reading goes on, because only reading can answer it; what comes then for a full inbox is kept undecoded.
    """

    __slots__ = ("_client",)

    def __init__(self, client: SessionClient) -> None:
        config = client.runtime.config
        super().__init__(config.inbox_events, config.inbox_bytes)
        self._client = client

    def filled(self, first: bool) -> bool:
        """Stop reading; returns True: the event is accepted, whatever its size."""
        if first:
            self._client.inbox_full()
        return True

    def drained(self) -> None:
        """Read on."""
        self._client.inbox_drained()


class EventInbox(Inbox[EventReceived]):
    """The inbox of a socket of a namespace.

    Args:
        client: the socket's.
        namespace: the socket's.
    """

    __slots__ = ("_kept", "_namespace")

    _client: Client

    def __init__(self, client: Client, namespace: str) -> None:
        super().__init__(client)
        self._namespace = namespace
        self._kept: deque[bytes | Undecoded] | None = None

    def keep(self, event: bytes | Undecoded) -> None:
        """Keep an event that came while the inbox is full, or give the client up: see ``Client.keep``."""
        if self._client.keep(len(event), self.size_bytes):
            if self._kept is None:
                self._kept = deque()
            self._kept.append(event)

    def drained(self) -> None:
        """Decode what is kept, as far as there is room, and read on."""
        if self._kept:
            self._refill(self._kept)
        super().drained()

    def _refill(self, kept: deque[bytes | Undecoded]) -> None:
        while kept and not self.is_full:
            undecoded = kept.popleft()
            self._client.kept_bytes -= len(undecoded)
            event = self._client.decode(undecoded)
            if event is not None:
                self.put(event)
        self._client.refilled(self._namespace)

    def clear(self) -> None:
        """Forget what waits."""
        if self._kept:
            self._client.kept_bytes -= sum(map(len, self._kept))
            self._kept.clear()
        super().clear()


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
