"""An empty choice of rooms chooses no socket. Only a choice that was never narrowed chooses every socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.links import only

from trio_socketio import Server

pytestmark = pytest.mark.rows("P29")

#: Room arguments that name no room.
EMPTY: list[tuple[Any, ...]] = [([],), (), ((),), (set(),), ([], [])]


def choices(io: Server, rooms: tuple[Any, ...]) -> dict[str, Any]:
    """Every way to narrow a broadcast to these rooms."""
    socket = only(io)
    return {
        "io.to": io.to(*rooms),
        "io.in_": io.in_(*rooms),
        "namespace": io.of("/").to(*rooms),
        "flags": io.volatile.local.compress(False).to(*rooms),
        "except": io.except_("nowhere").to(*rooms),
        "socket.to": socket.to(*rooms),
        "socket.in_": socket.in_(*rooms),
        "socket.broadcast": socket.broadcast.to(*rooms),
        "socket.except": socket.except_("nowhere").in_(*rooms),
        "socket flags": socket.compress(False).to(*rooms),
        "socket volatile": socket.volatile.in_(*rooms),
    }


@pytest.mark.parametrize("rooms", EMPTY, ids=repr)
async def test_emit_to_no_rooms_reaches_no_socket(running: Any, rooms: tuple[Any, ...]) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        for name, nobody in choices(io, rooms).items():
            await nobody.emit("await", name)
            nobody.emit_nowait("nowait", name)
            await nobody.send(name)
        await io.emit("mark")
        assert await client.event() == ["mark"]


async def test_emit_from_a_socket_to_no_rooms_skips_the_others_too(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        await net.connect()
        socket = only(io)
        other = await net.connect()
        await socket.to([]).emit("ev")
        await socket.volatile.to([]).emit("ev")
        await io.emit("mark")
        assert await other.event() == ["mark"]


async def test_call_to_no_rooms_returns_at_once_without_answers(running: Any, autojump_clock: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        for nobody in choices(io, ([],)).values():
            answers = await nobody.call("question", timeout=1000)
            assert (answers.values, answers.missing) == ({}, frozenset())
        await io.emit("mark")
        assert await client.event() == ["mark"]


async def test_membership_methods_to_no_rooms_change_nothing(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        socket = only(io)
        socket.join("kept")
        for nobody in choices(io, ([],)).values():
            assert await nobody.fetch_sockets() == []
            await nobody.sockets_join("joined")
            await nobody.sockets_leave("kept")
            await nobody.disconnect_sockets()
            await nobody.disconnect_sockets(close=True)
        assert socket.rooms == {socket.id, "kept"}
        assert socket.connected
        assert await io.fetch_sockets() == [socket]
        await io.emit("mark")
        assert await client.event() == ["mark"]


NARROWED: list[tuple[str, Callable[[Server], Any]]] = [
    ("a", lambda io: io.to([]).to("a")),
    ("a", lambda io: io.to("a").to([])),
    ("ab", lambda io: io.to([]).in_("a").to("b")),
    ("b", lambda io: io.to([], "b").except_("a")),
    ("ab", lambda io: io.except_([])),
    ("ab", lambda io: io.except_()),
    ("b", lambda io: io.except_([]).except_("a")),
    ("a", lambda io: io.to("a").except_([])),
    ("", lambda io: io.except_([]).to([])),
    ("ab", lambda io: io.volatile.local.compress(True)),
]


@pytest.mark.parametrize(("heard", "choose"), NARROWED)
async def test_empty_rooms_in_a_chain_add_nothing_and_exclude_nothing(
    running: Any, heard: str, choose: Callable[[Server], Any]
) -> None:
    io = Server()
    async with running(io) as net:
        clients = {}
        for room in "ab":
            clients[room] = await net.connect()
            io.sockets[clients[room].sids["/"]].join(room)
        assert {room for s in await choose(io).fetch_sockets() for room in s.rooms & {"a", "b"}} == set(heard)
        await choose(io).emit("ev")
        await io.emit("mark")
        for room, client in clients.items():
            if room in heard:
                assert await client.event() == ["ev"]
            assert await client.event() == ["mark"]
