"""What a client has sent and no handler has taken yet, bounded; and the iterator over what no handler claims."""

from __future__ import annotations

import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import trio

from trio_socketio.handlers import Ack, Inbox
from trio_socketio.socketio import EventReceived, Undecoded

if TYPE_CHECKING:
    from trio_socketio.server._client import Client
    from trio_socketio.serving import Inlet

__all__ = ["Event", "EventInbox", "EventIteration", "EventIterator"]


class Event(NamedTuple):
    """An event that no handler claims, as ``async for event in socket`` gives it."""

    name: str | int | float
    args: list[Any]
    ack: Ack


class EventInbox(Inbox[EventReceived]):
    """The inbox of a socket of a namespace.

    Args:
        client: the socket's.
        namespace: the socket's.
    """

    __slots__ = ("_kept", "_namespace")

    _reading: Client

    def __init__(self, client: Client, namespace: str) -> None:
        config = client.runtime.config
        super().__init__(client, config.inbox_events, config.inbox_bytes)
        self._namespace = namespace
        self._kept: deque[bytes | Undecoded] | None = None

    def keep(self, event: bytes | Undecoded) -> None:
        """Keep an event that came while the inbox is full, or give the client up: see ``Client.keep``."""
        if self._reading.keep(len(event), self.size_bytes):
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
            self._reading.kept_bytes -= len(undecoded)
            event = self._reading.decode(undecoded)
            if event is not None:
                self.put(event)
        self._reading.refilled(self._namespace)

    def clear(self) -> None:
        """Forget what waits."""
        if self._kept:
            self._reading.kept_bytes -= sum(map(len, self._kept))
            self._kept.clear()
        super().clear()


class EventIteration:
    """The iteration over a socket's events: one iterator, which several loops may use at once."""

    __slots__ = ("_events", "_iterator")

    def __init__(self) -> None:
        self._events: trio.MemorySendChannel[Event] | None = None
        self._iterator: weakref.ref[EventIterator] | None = None

    def iterator(self, inlet: Inlet) -> EventIterator:
        """Return the iterator; a new one if the last one is not used any more.

        Args:
            inlet: makes the call that ends the iteration, if the iterator is freed outside a Trio task.
        """
        iterator = None if self._iterator is None else self._iterator()
        if iterator is None:
            self._events, received = trio.open_memory_channel[Event](0)
            iterator = EventIterator(received, inlet)
            self._iterator = weakref.ref(iterator)
        return iterator

    async def give(self, event: EventReceived, ack: Ack) -> bool:
        """Wait until the iterator takes an event; returns False if it is not used any more."""
        assert self._events is not None
        try:
            await self._events.send(Event(event.name, event.args, ack))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        return True

    def close(self) -> None:
        """End the iteration: the socket has ended."""
        if self._events is not None:
            self._events.close()


class EventIterator:
    """Gives out the events that no handler takes, one at a time, for as long as it is used."""

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
