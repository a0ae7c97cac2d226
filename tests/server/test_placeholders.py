"""Objects that look like a placeholder are refused beside binary, where receivers would misread them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

import msgspec
import pytest
from support.links import only

from trio_socketio import LocalProtocolError, Server, Socket

LOOK_ALIKE = {"_placeholder": True, "num": 7}


@dataclass
class Box:
    _placeholder: bool
    num: int = 0


class Pair(NamedTuple):
    left: Any
    right: Any


class Answer(Enum):
    YES = True


class Renamed(msgspec.Struct):
    mark: bool = msgspec.field(name="_placeholder")


LOOK_ALIKES = [
    LOOK_ALIKE,
    {"_placeholder": True},
    [[{"a": LOOK_ALIKE}]],
    Box(True),
    Pair(1, LOOK_ALIKE),
    Renamed(True),
    Pair([Box(True, 1)], None),
    {"_placeholder": Answer.YES},
]

Emit = Callable[[Server, Socket, Any], Awaitable[Any]]


async def nowait(io: Server, socket: Socket, args: Any) -> None:
    socket.emit_nowait("e", *args)


async def broadcast_nowait(io: Server, socket: Socket, args: Any) -> None:
    io.emit_nowait("e", *args)


WAYS: dict[str, Emit] = {
    "emit": lambda io, socket, args: socket.emit("e", *args),
    "emit_nowait": nowait,
    "call": lambda io, socket, args: socket.call("e", *args),
    "broadcast": lambda io, socket, args: io.emit("e", *args),
    "broadcast_nowait": broadcast_nowait,
    "broadcast to a room": lambda io, socket, args: io.to(socket.id).emit("e", *args),
    "broadcast call": lambda io, socket, args: (
        io.timeout(1).call("e", *args) if hasattr(io, "timeout") else io.call("e", *args, timeout=1)
    ),
    "volatile": lambda io, socket, args: socket.volatile.emit("e", *args),
}


@pytest.mark.rows("P27")
@pytest.mark.parametrize("way", list(WAYS))
@pytest.mark.parametrize("look_alike", LOOK_ALIKES, ids=str)
async def test_look_alike_of_a_placeholder_beside_binary_raises(
    running: Any, way: str, look_alike: Any
) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        for args in ((look_alike, b"x"), (b"x", look_alike), ([b"x", look_alike],)):
            with pytest.raises(LocalProtocolError, match="_placeholder"):
                await WAYS[way](io, only(io), args)
        await io.emit("after")
        assert await client.event() == ["after"]


@pytest.mark.rows("P27")
async def test_look_alike_of_a_placeholder_in_an_acknowledgement_is_an_internal_error(running: Any) -> None:
    io = Server()
    errors: list[Exception] = []
    io.on_error(lambda socket, event, error: errors.append(error))

    @io.on("e")
    async def answer(socket: Socket) -> Any:
        return LOOK_ALIKE, b"x"

    async with running(io) as net:
        client = await net.connect()
        assert await client.call("e") == [{"error": "Internal server error"}]
    assert [type(error) for error in errors] == [LocalProtocolError]


@pytest.mark.rows("P27")
@pytest.mark.parametrize("value", [LOOK_ALIKE, {"_placeholder": 1}, {"_placeholder": False, "num": 0}])
async def test_harmless_look_alikes_are_sent(running: Any, value: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        await io.emit("e", value)
        assert await client.event() == ["e", value]
        if value is not LOOK_ALIKE:
            await io.emit("e", value, b"x")
            assert str(await client.receive()).startswith("51-")
            assert await client.receive() == b"x"
