"""The application's functions that are told of rooms which appear and disappear, and of joins and leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

__all__ = ["ROOM_EVENTS", "RoomEvent", "RoomObserver", "RoomObservers"]

#: Node's names.
RoomEvent = Literal["create-room", "join-room", "leave-room", "delete-room"]

#: A plain function. It takes the room, and for joins and leaves the id of the socket too.
RoomObserver = Callable[..., object]

#: How many arguments the observers of each event take.
ROOM_EVENTS: dict[RoomEvent, int] = {"create-room": 1, "join-room": 2, "leave-room": 2, "delete-room": 1}

Call = tuple[RoomObserver, tuple[Any, ...]]


class RoomObservers:
    """The observers of one namespace.

    ``joined`` and ``left`` take changes of the room index, as pairs of a room and of what ``RoomIndex.join`` and
    ``leave`` return. They return the calls that are to be made for them, in Node's order.
    """

    def __init__(self) -> None:
        self._observers: dict[RoomEvent, list[RoomObserver]] = {event: [] for event in ROOM_EVENTS}

    def add(self, event: RoomEvent, observer: RoomObserver) -> None:
        """Call a function for an event from now on."""
        self._observers[event].append(observer)

    def joined(self, member_id: str, changes: Iterable[tuple[str, int]]) -> Iterator[Call]:
        """The calls for rooms that a member has joined."""
        for room, change in changes:
            if change == 2:
                yield from self._calls("create-room", room)
            if change:
                yield from self._calls("join-room", room, member_id)

    def left(self, member_id: str, changes: Iterable[tuple[str, int]]) -> Iterator[Call]:
        """The calls for rooms that a member has left."""
        for room, change in changes:
            if change:
                yield from self._calls("leave-room", room, member_id)
            if change == 2:
                yield from self._calls("delete-room", room)

    def _calls(self, event: RoomEvent, *args: str) -> Iterator[Call]:
        return ((observer, args) for observer in self._observers[event])
