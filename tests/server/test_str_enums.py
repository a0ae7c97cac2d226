"""Members of a StrEnum, and other subclasses of str, as the names of rooms, namespaces and events."""

from __future__ import annotations

import enum
from typing import Any

import pytest
from support.links import only

from trio_socketio import Server, Socket


class Room(enum.StrEnum):
    LOBBY = "lobby"
    STAFF = "staff"
    ADMIN = "/admin"


class Mixed(str, enum.Enum):  # noqa: UP042
    """Its ``str()`` is another text than its value."""

    LOBBY = "lobby"


class Text(str):
    """A subclass that adds nothing."""

    __slots__ = ()


NAMES = [Room.LOBBY, Mixed.LOBBY, Text("lobby"), "lobby"]

every = pytest.mark.parametrize("room", NAMES, ids=lambda room: type(room).__name__)


@every
@pytest.mark.rows("P34")
async def test_socket_joins_and_leaves(autojump_clock: Any, running: Any, room: str) -> None:
    io = Server()
    async with running(io) as wire:
        await wire.connect()
        socket = only(io)
        socket.join(room, [Room.STAFF, room])
        assert socket.rooms == {socket.id, "lobby", "staff"}
        assert {type(name) for name in socket.rooms} == {str}
        socket.leave(room, [Room.STAFF])
        assert socket.rooms == {socket.id}


@every
@pytest.mark.rows("P34")
async def test_broadcasts_find_the_room(autojump_clock: Any, running: Any, room: str) -> None:
    io = Server()
    async with running(io) as wire:
        client = await wire.connect()
        socket = only(io)
        other = await wire.connect()
        (another,) = (each for each in io.sockets.values() if each is not socket)
        socket.join("lobby")
        for number, choice in enumerate([
            io.to(room), io.in_([room]), another.to(room), another.broadcast.to(room), io.to(room).except_("none"),
            io.of("/").to(room),
        ]):  # fmt: skip
            await choice.emit("to", number)
            assert await client.event() == ["to", number]
        await io.except_(room).emit("except")
        await socket.except_(room).emit("except")
        assert await other.event() == await other.event() == ["except"]
        await io.to(room).emit("last")
        assert await client.event() == ["last"]


@every
@pytest.mark.rows("P34")
async def test_choices_of_sockets(autojump_clock: Any, running: Any, room: str) -> None:
    io = Server()
    async with running(io) as wire:
        client = await wire.connect()
        socket = only(io)
        await io.sockets_join(room)
        assert "lobby" in socket.rooms
        await io.in_(room).sockets_join([Room.STAFF])
        assert "staff" in socket.rooms
        assert [each.id for each in await io.in_(room).fetch_sockets()] == [socket.id]
        await io.in_(room).sockets_leave(Room.STAFF)
        assert "staff" not in socket.rooms
        await io.in_(room).disconnect_sockets()
        assert await client.receive() == "1"


@pytest.mark.rows("P34")
async def test_namespace_and_event(autojump_clock: Any, running: Any) -> None:
    io = Server()
    assert io.of(Room.ADMIN) is io.of("/admin")
    assert type(io.of(Room.ADMIN).name) is str
    assert io.of(Mixed.LOBBY) is io.of("/lobby")

    @io.of("/admin").on(Room.LOBBY)
    async def lobby(socket: Socket) -> None:
        await socket.emit(Room.STAFF, Room.LOBBY)

    async with running(io) as wire:
        client = await wire.connect("/admin")
        await client.send('2/admin,["lobby"]')
        assert await client.receive() == '2/admin,["staff","lobby"]'
