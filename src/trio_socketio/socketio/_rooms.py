"""The room index of one namespace: the rooms and their members."""

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
    """The members that a broadcast goes to, and its flags.

    Attributes:
        rooms: the broadcast goes to the members of these rooms. None: to all members. An empty set: to no member.
        exclude: the members of these rooms are left out.
        volatile: whether the message is dropped for members to which it cannot be sent at once.
        compress: whether the message may be compressed.
        local: whether the broadcast stays on this server.
    """

    rooms: frozenset[str] | None = None
    exclude: frozenset[str] = frozenset()
    volatile: bool = False
    compress: bool = True
    local: bool = False

    def to(self, rooms: Iterable[str]) -> Target:
        """Return a copy with more rooms. If ``rooms`` was None and no room is added, the copy has no members."""
        return replace(self, rooms=(self.rooms or frozenset()) | frozenset(rooms))

    def without(self, rooms: Iterable[str]) -> Target:
        """Return a copy that leaves out the members of more rooms."""
        return replace(self, exclude=self.exclude | frozenset(rooms))


class RoomIndex(Generic[M]):
    """The members of each room and the rooms of each member, in ``csrc/rooms.h``. Joining and leaving are O(1)."""

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
        """Add a member, whose messages go to this connection. It joins the room of its own id."""
        self._index.add(member, connection)

    def mute(self, member: M) -> None:
        """Stop all broadcasts to a member. It stays in its rooms."""
        self._index.mute(member)

    def remove(self, member: M) -> None:
        """Remove a member from the index and from all its rooms. Nothing happens if it is not in the index."""
        self._index.remove(member)

    def join(self, member: M, room: str) -> int:
        """Put a member into a room.

        Returns:
            0: it was in the room already; 1: it has joined; 2: it has joined, and the room is new.
        """
        return self._index.join(member, room)

    def leave(self, member: M, room: str) -> int:
        """Take a member out of a room. Nothing happens if it is not in the room.

        Returns:
            0: it was not in the room; 1: it has left; 2: it has left, and the room was removed.
        """
        return self._index.leave(member, room)

    def rooms_of(self, member: M) -> frozenset[str]:
        """Return the rooms of a member."""
        return self._index.rooms_of(member)

    def in_room(self, room: str) -> list[M]:
        """Return the members of a room."""
        return self._index.in_room(room)

    def select(self, target: Target) -> list[M]:
        """Return the members of a target, each once."""
        chosen: dict[M, None] = {}
        if target.rooms is None:
            chosen = dict.fromkeys(self.members.values())
        for room in target.rooms or ():
            chosen.update(dict.fromkeys(self._index.in_room(room)))
        for room in target.exclude:
            for member in self._index.in_room(room):
                chosen.pop(member, None)
        return list(chosen)

    @property
    def has_reached(self) -> bool:
        """Whether the last broadcast was queued for a member, or found a full outbox."""
        return self._index.has_reached

    def broadcast(self, message: Message, target: Target) -> list[M]:
        """Queue a message for all members of a target; returns the members whose outbox is full."""
        if not target.compress:
            message.compress = False
        return self._index.broadcast(message, target.rooms, target.exclude, volatile=target.volatile)
