"""The application's observers of rooms: functions that are called when rooms and their members change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

__all__ = ["ROOM_EVENTS", "RoomEvent", "RoomObserver", "RoomObservers"]

#: The names of the events, as in Node.
RoomEvent = Literal["create-room", "join-room", "leave-room", "delete-room"]

#: A plain function. It takes the room, and for joins and leaves also the id of the socket.
RoomObserver = Callable[..., object]

#: The number of arguments of the observers of each event.
ROOM_EVENTS: dict[RoomEvent, int] = {"create-room": 1, "join-room": 2, "leave-room": 2, "delete-room": 1}

Call = tuple[RoomObserver, tuple[Any, ...]]


class RoomObservers:
    """The observers of one namespace.

    ``joined`` and ``left`` take changes of the room index, as pairs of a room and the result of ``RoomIndex.join`` or
    ``RoomIndex.leave``. They return the calls that report these changes, in Node's order.
    """

    def __init__(self) -> None:
        self._observers: dict[RoomEvent, list[RoomObserver]] = {event: [] for event in ROOM_EVENTS}

    def add(self, event: RoomEvent, observer: RoomObserver) -> None:
        """Add a function that is called for an event."""
        self._observers[event].append(observer)

    def joined(self, member_id: str, changes: Iterable[tuple[str, int]]) -> Iterator[Call]:
        """Yield the calls for rooms that a member has joined."""
        for room, change in changes:
            if change == 2:
                yield from self._calls("create-room", room)
            if change:
                yield from self._calls("join-room", room, member_id)

    def left(self, member_id: str, changes: Iterable[tuple[str, int]]) -> Iterator[Call]:
        """Yield the calls for rooms that a member has left."""
        for room, change in changes:
            if change:
                yield from self._calls("leave-room", room, member_id)
            if change == 2:
                yield from self._calls("delete-room", room)

    def _calls(self, event: RoomEvent, *args: str) -> Iterator[Call]:
        return ((observer, args) for observer in self._observers[event])
