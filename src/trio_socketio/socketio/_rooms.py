"""The room index of one namespace: who is in which room."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from trio_socketio import _core
from trio_socketio._core import Connection, Member, Message

__all__ = ["RoomIndex", "Target"]


M = TypeVar("M", bound=Member)


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a broadcast is for.

    Attributes:
        rooms: the members of any of these rooms. None: all members. An empty set: no member.
        exclude: rooms whose members are left out.
        volatile: dropped for members that cannot take it at once.
        compress: whether it may be compressed.
        local: not passed on to other servers.
    """

    rooms: frozenset[str] | None = None
    exclude: frozenset[str] = frozenset()
    volatile: bool = False
    compress: bool = True
    local: bool = False

    def to(self, rooms: Iterable[str]) -> Target:
        """The same with more rooms. No rooms, where none was named before, choose no member."""
        return replace(self, rooms=(self.rooms or frozenset()) | frozenset(rooms))

    def without(self, rooms: Iterable[str]) -> Target:
        """The same with more exceptions."""
        return replace(self, exclude=self.exclude | frozenset(rooms))


class RoomIndex(Generic[M]):
    """Rooms to members and back, over ``csrc/rooms.h``. Joining and leaving are O(1)."""

    __slots__ = ("_index",)

    def __init__(self) -> None:
        self._index = _core.RoomIndex()

    def __len__(self) -> int:
        return len(self._index)

    @property
    def members(self) -> dict[str, M]:
        """All members by id."""
        return self._index.members

    def add(self, member: M, connection: Connection) -> None:
        """Let a member in, whose messages go to this connection; its first room is its own id."""
        self._index.add(member, connection)

    def mute(self, member: M) -> None:
        """No broadcast reaches this member any more; it stays in its rooms."""
        self._index.mute(member)

    def remove(self, member: M) -> None:
        """Let a member go, out of all its rooms; nothing happens if it is not there."""
        self._index.remove(member)

    def join(self, member: M, room: str) -> int:
        """Put a member into a room.

        Returns:
            0: it was there already; 1: it has joined; 2: it has joined, and the room is new.
        """
        return self._index.join(member, room)

    def leave(self, member: M, room: str) -> int:
        """Take a member out of a room; nothing happens if it is not in it.

        Returns:
            0: it was not there; 1: it has left; 2: it has left, and the room is gone.
        """
        return self._index.leave(member, room)

    def rooms_of(self, member: M) -> frozenset[str]:
        """The rooms a member is in."""
        return self._index.rooms_of(member)

    def in_room(self, room: str) -> list[M]:
        """The members of a room."""
        return self._index.in_room(room)

    def select(self, target: Target) -> list[M]:
        """The members a target means, each once."""
        chosen: dict[M, None] = {}
        if target.rooms is None:
            chosen = dict.fromkeys(self.members.values())
        for room in target.rooms or ():
            chosen.update(dict.fromkeys(self._index.in_room(room)))
        for room in target.exclude:
            for member in self._index.in_room(room):
                chosen.pop(member, None)
        return list(chosen)

    def broadcast(self, message: Message, target: Target) -> list[M]:
        """Queue one message for all whom a target means; returns those whose outbox is full."""
        if not target.compress:
            message.compress = False
        return self._index.broadcast(message, target.rooms, target.exclude, volatile=target.volatile)
