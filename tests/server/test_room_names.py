"""The names of rooms."""

from __future__ import annotations

from typing import Any

import pytest
from support.links import only

from trio_socketio import (
    Server,
)


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
