"""The names of rooms, as applications pass them: ``to("a", "b")`` and ``to(["a", "b"])``."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Rooms", "names"]

Rooms = str | Iterable[str]


def names(rooms: tuple[Rooms, ...]) -> list[str]:
    """Return the room names of both ``to("a", "b")`` and ``to(["a", "b"])``.

    Members of a ``StrEnum``, and other subclasses of ``str``, become plain ``str``, because the room index takes no
    others.

    Raises:
        TypeError: a room is not a ``str``.
    """
    flat: list[str] = []
    for room in rooms:
        if isinstance(room, str):
            flat.append(room)
        else:
            flat.extend(_several(room))
    return [room if type(room) is str else _plain(room) for room in flat]


def _several(rooms: object) -> Iterable[str]:
    if not isinstance(rooms, Iterable):
        raise TypeError(f"a room must be a str, not {type(rooms).__name__}")
    return rooms


def _plain(room: str) -> str:
    if not isinstance(room, str):
        raise TypeError(f"a room must be a str, not {type(room).__name__}")
    return str.__str__(room)
