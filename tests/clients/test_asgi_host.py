"""What clients can do with a server that is an ASGI application under Hypercorn."""

from __future__ import annotations

from typing import Any

import pytest
from support.hypercorns import under_hypercorn

from clients.harness import JsClient, Node
from clients.server import Mailbox, connections, disconnections, echoes, make_server
from trio_socketio import Server, Socket

pytestmark = [pytest.mark.clients, pytest.mark.rows("K8")]

BYTES = bytes(range(256))


def echoing() -> Server:
    io = make_server()
    echoes(io)
    return io


@pytest.mark.every_client
@pytest.mark.whole_matrix
async def test_events_binary_and_acknowledgements(client: JsClient) -> None:
    io, told = echoing(), Mailbox[tuple[Any, ...]]()

    @io.on("ask")
    async def ask(socket: Socket, *args: Any) -> None:
        told.put(tuple(await socket.call("question", *args)))

    async with under_hypercorn(io.asgi()) as url:
        await client.connect(url)
        assert (await client.state())["transport"] == client.combination.settled
        for args in (["text 文", 1.5, {"a": [None, True]}], [BYTES, {"more": [b"\x00", b"\xff"]}]):
            assert await client.call("echo", *args) == args
        await client.answer("question", "yes", BYTES)
        await client.emit("ask", 1)
        assert await client.event("question") == [1]
        assert await told.get() == ("yes", BYTES)
        await client.disconnect()


@pytest.mark.every_client
async def test_rooms(client: JsClient, node: Node) -> None:
    io, other = echoing(), node.client(client.combination)

    @io.on("join")
    async def join(socket: Socket, room: str) -> str:
        socket.join(room)
        return room

    @io.on("say")
    async def say(socket: Socket, room: str, *args: Any) -> None:
        await io.to(room).emit("said", *args)

    async with under_hypercorn(io.asgi()) as url:
        await client.connect(url)
        await other.connect(url)
        assert await client.call("join", "room") == ["room"]
        await other.emit("say", "room", "hello", BYTES)
        assert await client.event("said") == ["hello", BYTES]
        assert await other.call("echo", 1) == [1]
        assert other.pending("said") == 0


@pytest.mark.every_client
async def test_large_messages_both_ways(client: JsClient) -> None:
    args = ["x" * 300_000, b"\xff" * 70_000, "文" * 200]
    async with under_hypercorn(echoing().asgi()) as url:
        await client.connect(url)
        assert await client.call("echo", *args) == args


async def test_disconnects_have_reasons(client: JsClient) -> None:
    io = echoing()
    ends = disconnections(io)
    async with under_hypercorn(io.asgi()) as url:
        await client.connect(url)
        await client.disconnect()
        assert (await ends.get())[1] == "client namespace disconnect"


async def test_reconnection(client: JsClient) -> None:
    io = echoing()
    sockets = connections(io)
    async with under_hypercorn(io.asgi()) as url:
        await client.connect(url, reconnection=True, reconnectionDelay=50, reconnectionDelayMax=100)
        first = await sockets.get()
        first.conn.close()
        await client.event("disconnect")
        await client.event("connect")
        assert (await sockets.get()).id != first.id
        assert await client.call("echo", 1) == [1]
        await client.disconnect()
