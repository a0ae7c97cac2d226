"""The names of rooms: one or several, alone or in an iterable."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest
from support.links import only

from trio_socketio import (
    Server,
)
from trio_socketio.server._room_names import names


async def test_room_names_that_are_no_text_are_refused(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        await net.connect()
        socket = only(io)
        for wrong in (5, None, [1], {"a": 1}.values(), b"room"):
            with pytest.raises(TypeError):
                socket.join(wrong)  # type: ignore[arg-type]
            with pytest.raises(TypeError):
                io.to(wrong)  # type: ignore[arg-type]


@pytest.mark.rows("P29")
@pytest.mark.parametrize("rooms", [None, 5, b"ab", [None], ["a", 5]])
def test_operators_refuse_names_that_are_no_text_in_one_sentence(rooms: Any) -> None:
    io = Server()
    for choose in (io.to, io.in_, io.except_, io.volatile.to):
        with pytest.raises(TypeError, match="a room must be a str, not"):
            choose(rooms)


class Room(StrEnum):
    LOBBY = "lobby"


@pytest.mark.parametrize(
    ("rooms", "flat"),
    [
        ((), []),
        (("a",), ["a"]),
        (("a", "b"), ["a", "b"]),
        ((["a", "b"],), ["a", "b"]),
        (("a", {"b"}, (name for name in "cd")), ["a", "b", "c", "d"]),
        (([],), []),
        (("",), [""]),
    ],
)
def test_rooms_are_flattened_by_one_level(rooms: Any, flat: list[str]) -> None:
    assert names(rooms) == flat


@pytest.mark.parametrize("rooms", [(Room.LOBBY,), ([Room.LOBBY],)])
def test_subclasses_of_str_become_str(rooms: Any) -> None:
    (name,) = names(rooms)
    assert type(name) is str
    assert name == "lobby"


@pytest.mark.parametrize("rooms", [(1,), (None,), ([1],), ([["a"]],), (b"a",)])
def test_other_types_are_refused(rooms: Any) -> None:
    with pytest.raises(TypeError, match="a room must be a str, not "):
        names(rooms)
