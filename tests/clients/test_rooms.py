"""Real clients in rooms, and broadcasts to them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from clients.combinations import COMBINATIONS, Combination
from clients.harness import JsClient, Node
from clients.server import connections, make_server, serving
from trio_socketio import Server, Socket

pytestmark = pytest.mark.clients

Clients = tuple[JsClient, JsClient, JsClient]


def hall() -> Server:
    """A server whose clients join rooms, and speak to all and to rooms."""
    io = make_server()

    @io.on("join")
    def join(socket: Socket, *rooms: str) -> list[str]:
        socket.join(*rooms)
        return sorted(socket.rooms - {socket.id})

    @io.on("leave")
    def leave(socket: Socket, room: str) -> list[str]:
        socket.leave(room)
        return sorted(socket.rooms - {socket.id})

    @io.on("to all")
    async def to_all(socket: Socket, *args: Any) -> None:
        await io.emit("said", *args)

    @io.on("to others")
    async def to_others(socket: Socket, *args: Any) -> None:
        await socket.broadcast.emit("said", *args)

    @io.on("to room")
    async def to_room(socket: Socket, room: str, *args: Any) -> None:
        await io.to(room).emit("said", *args)

    @io.on("to others in room")
    async def to_others_in_room(socket: Socket, room: str, *args: Any) -> None:
        await socket.to(room).emit("said", *args)

    return io


@asynccontextmanager
async def three(io: Server, node: Node, combination: Combination) -> AsyncIterator[Clients]:
    """Three clients of a server."""
    clients = node.client(combination), node.client(combination), node.client(combination)
    async with serving(io) as url:
        for client in clients:
            await client.connect(url)
        yield clients


async def heard(io: Server, *clients: JsClient) -> list[list[list[Any]]]:
    """What each client was told since the last look; a broadcast to all comes after it and marks the end."""
    await io.emit("end")
    result = []
    for client in clients:
        await client.event("end")
        result.append(await client.events("said", client.pending("said")))
    return result


@pytest.mark.rows("G3", "G4", "G22")
@pytest.mark.needs("unicode")
async def test_broadcast_with_and_without_the_sender(node: Node, combination: Combination) -> None:
    io = hall()
    async with three(io, node, combination) as (a, b, c):
        await a.call("to all", "大家好", {"🦆": [b"\x00\xff"]})
        everybody = [["大家好", {"🦆": [b"\x00\xff"]}]]
        assert await heard(io, a, b, c) == [everybody, everybody, everybody]

        await b.call("to others", 1)
        await b.call("to others", 2)
        assert await heard(io, a, b, c) == [[[1], [2]], [], [[1], [2]]]


@pytest.mark.rows("F26", "G1", "G5")
@pytest.mark.needs("unicode")
async def test_rooms(node: Node, combination: Combination) -> None:
    io = hall()
    async with three(io, node, combination) as (a, b, c):
        assert await a.call("join", "蓝", "red") == [["red", "蓝"]]
        assert await b.call("join", "蓝") == [["蓝"]]

        await c.call("to room", "蓝", "from outside")
        assert await heard(io, a, b, c) == [[["from outside"]], [["from outside"]], []]

        await a.call("to room", "蓝", "from inside")
        await a.call("to others in room", "蓝", "not to myself")
        assert await heard(io, a, b, c) == [[["from inside"]], [["from inside"], ["not to myself"]], []]

        await io.to("蓝").to("red").emit("said", "once each")
        assert await heard(io, a, b, c) == [[["once each"]], [["once each"]], []]

        assert await a.call("leave", "蓝") == [["red"]]
        await c.call("to room", "蓝", "after leaving")
        assert await heard(io, a, b, c) == [[], [["after leaving"]], []]

        await io.to("nobody").emit("said", "to no one")
        assert await heard(io, a, b, c) == [[], [], []]


@pytest.mark.rows("G2", "G6")
async def test_one_and_all_but_one(node: Node, combination: Combination) -> None:
    io = hall()
    async with three(io, node, combination) as (a, b, c):
        await b.call("join", "red")
        of_c = (await c.state())["id"]
        await io.to(of_c).emit("said", "for c")
        assert await heard(io, a, b, c) == [[], [], [["for c"]]]

        await io.except_(of_c).emit("said", "not for c")
        await io.except_("red").emit("said", "not for red")
        assert await heard(io, a, b, c) == [
            [["not for c"], ["not for red"]],
            [["not for c"]],
            [["not for red"]],
        ]


@pytest.mark.rows("G1", "G22")
async def test_who_has_left_the_server_hears_no_more(node: Node, combination: Combination) -> None:
    io = hall()
    async with three(io, node, combination) as (a, b, c):
        for client in (a, b, c):
            await client.call("join", "red")
        await b.disconnect()
        await b.event("disconnect")
        await a.call("to room", "red", 1)
        assert await heard(io, a, c) == [[[1]], [[1]]]
        assert not b.pending("said")


@pytest.mark.rows("G3", "G4")
async def test_one_broadcast_reaches_every_kind_of_client(node: Node) -> None:
    io = hall()
    sockets = connections(io)
    clients = [node.client(combination) for combination in COMBINATIONS]
    async with serving(io) as url:
        for client in clients:
            await client.connect(url)
        message = ["all", {"picture": bytes(range(256)), "more": [b"", None, 1.5]}]
        await io.emit("said", *message)
        await (await sockets.get()).broadcast.emit("said", "second")
        first, *others = await heard(io, *clients)
        assert first == [message]
        assert others == [[message, ["second"]]] * (len(COMBINATIONS) - 1)
