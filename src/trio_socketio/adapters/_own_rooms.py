"""Checks that no other socket joins the room that is named by a socket's id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trio_socketio.adapters._members import LocalMember

__all__ = ["is_foreign", "require_own_rooms"]


def is_foreign(members: Mapping[str, LocalMember], member: LocalMember, room: str) -> bool:
    """Return whether a room is named by the id of another member."""
    owner = members.get(room)
    return owner is not None and owner is not member and room != member.id


def require_own_rooms(members: Mapping[str, LocalMember], member: LocalMember, rooms: Iterable[str]) -> None:
    """Refuse rooms in which this member would receive messages for another member.

    Raises:
        ValueError: a room is the id of another member.
    """
    for room in rooms:
        if is_foreign(members, member, room):
            raise ValueError(
                f"a socket must not join the room {room!r}, which is the id of another socket: "
                "give rooms that users name a prefix"
            )
