"""The bounded inbox of events that wait for their handlers, and the iterator over events without a handler."""

from __future__ import annotations

import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import trio

from trio_socketio.handlers import Ack, Inbox, Reading
from trio_socketio.socketio import EventReceived, Undecoded

if TYPE_CHECKING:
    from trio_socketio.serving import Inlet

__all__ = ["Event", "EventInbox", "EventIteration", "EventIterator"]


class Event(NamedTuple):
    """An event that has no handler, as ``async for event in socket`` yields it."""

    name: str | int | float
    args: list[Any]
    ack: Ack


class KeepingUndecoded(Reading, Protocol):
    """A session whose events wait undecoded when an inbox is full, but reading goes on because a call is pending.

    Attributes:
        kept_bytes: the size of all events that wait undecoded.
    """

    kept_bytes: int

    def keep(self, size: int, inbox_bytes: int) -> bool:
        """Count an event that waits undecoded; see ``BasePeer.keep``."""
        ...

    def decode(self, event: bytes | Undecoded) -> EventReceived | None:
        """Decode an event that waited. If it breaks the protocol, end the session and return None."""

    def refilled(self, namespace: str) -> None:
        """Let a worker handle the events that have moved into the inbox of the socket in this namespace."""


class EventInbox(Inbox[EventReceived]):
    """The inbox of one socket.

    Args:
        reading: the session, which is not read while the inbox is full.
        namespace: the name of the socket's namespace.
        max_events: see ``Inbox``.
        max_bytes: see ``Inbox``.
    """

    __slots__ = ("_kept", "_namespace")

    _reading: KeepingUndecoded

    def __init__(self, reading: KeepingUndecoded, namespace: str, max_events: int, max_bytes: int) -> None:
        super().__init__(reading, max_events, max_bytes)
        self._namespace = namespace
        self._kept: deque[bytes | Undecoded] | None = None

    def keep(self, event: bytes | Undecoded) -> None:
        """Keep an event undecoded because the inbox is full. If too many bytes wait, the session ends instead."""
        if self._reading.keep(len(event), self.size_bytes):
            if self._kept is None:
                self._kept = deque()
            self._kept.append(event)

    def drained(self) -> None:
        """Decode the kept events, as far as there is room, and resume reading from the client."""
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
        """Drop all events that wait, decoded or not."""
        if self._kept:
            self._reading.kept_bytes -= sum(map(len, self._kept))
            self._kept.clear()
        super().clear()


class EventIteration:
    """The iteration over a socket's events without a handler. Several loops may share its one iterator."""

    __slots__ = ("_events", "_iterator")

    def __init__(self) -> None:
        self._events: trio.MemorySendChannel[Event] | None = None
        self._iterator: weakref.ref[EventIterator] | None = None

    def iterator(self, inlet: Inlet) -> EventIterator:
        """Return the iterator, or a new one if the last one was freed.

        Args:
            inlet: closes the channel from a Trio task, if the iterator is freed outside one.
        """
        iterator = None if self._iterator is None else self._iterator()
        if iterator is None:
            self._events, received = trio.open_memory_channel[Event](0)
            iterator = EventIterator(received, inlet)
            self._iterator = weakref.ref(iterator)
        return iterator

    async def give(self, event: EventReceived, ack: Ack) -> bool:
        """Wait until the iterator takes an event. Return False if the iterator was freed or closed."""
        assert self._events is not None
        try:
            await self._events.send(Event(event.name, event.args, ack))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        return True

    def close(self) -> None:
        """End the iteration, because the socket has ended."""
        if self._events is not None:
            self._events.close()


class EventIterator:
    """Yields the events without a handler, one at a time. Freeing it ends the iteration."""

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
