"""The room index of one namespace: who is in which room."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

__all__ = ["Member", "RoomIndex", "Target"]


class Member(Protocol):
    """Whoever can be in rooms."""

    @property
    def id(self) -> str:
        """Unique in the namespace; also the name of the member's own room."""


M = TypeVar("M", bound=Member)


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a broadcast is for.

    Attributes:
        rooms: the union of these; everybody where it is empty.
        exclude: but nobody who is in one of these.
        volatile: dropped for members that cannot take it at once.
        compress: whether it may be compressed.
        local: not passed on to other servers.
    """

    rooms: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    volatile: bool = False
    compress: bool = True
    local: bool = False

    def to(self, rooms: Iterable[str]) -> Target:
        """The same with more rooms."""
        return replace(self, rooms=self.rooms | frozenset(rooms))

    def without(self, rooms: Iterable[str]) -> Target:
        """The same with more exceptions."""
        return replace(self, exclude=self.exclude | frozenset(rooms))


class RoomIndex(Generic[M]):
    """Rooms to members and back. Joining and leaving are O(1)."""

    __slots__ = ("_members", "_rooms")

    def __init__(self) -> None:
        self._members: dict[M, set[str]] = {}
        self._rooms: dict[str, dict[M, None]] = {}

    def __len__(self) -> int:
        return len(self._members)

    def add(self, member: M) -> None:
        """Let a member in; its first room is its own id."""
        self._members[member] = set()
        self.join(member, member.id)

    def remove(self, member: M) -> None:
        """Let a member go, out of all its rooms."""
        for room in self._members.pop(member, ()):
            self._drop(member, room)

    def join(self, member: M, room: str) -> None:
        """Put a member into a room."""
        rooms = self._members[member]
        if room not in rooms:
            rooms.add(room)
            self._rooms.setdefault(room, {})[member] = None

    def leave(self, member: M, room: str) -> None:
        """Take a member out of a room; nothing happens if it is not in it."""
        rooms = self._members.get(member)
        if rooms is not None and room in rooms:
            rooms.remove(room)
            self._drop(member, room)

    def _drop(self, member: M, room: str) -> None:
        members = self._rooms[room]
        del members[member]
        if not members:
            del self._rooms[room]

    def rooms_of(self, member: M) -> frozenset[str]:
        """The rooms a member is in."""
        return frozenset(self._members.get(member, ()))

    def rooms(self) -> frozenset[str]:
        """All rooms with at least one member."""
        return frozenset(self._rooms)

    def select(self, target: Target) -> Iterator[M]:
        """The members a target means, each once."""
        excluded: set[M] = set()
        for room in target.exclude:
            excluded.update(self._rooms.get(room, ()))
        if not target.rooms:
            chosen: Iterable[M] = self._members
        elif len(target.rooms) == 1:
            (room,) = target.rooms
            chosen = self._rooms.get(room, ())
        else:
            chosen = dict.fromkeys(
                member for room in sorted(target.rooms) for member in self._rooms.get(room, ())
            )
        return (member for member in chosen if member not in excluded) if excluded else iter(chosen)
