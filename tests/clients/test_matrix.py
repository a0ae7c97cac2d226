"""What every client can do over every transport; ``docs/clients.md`` says so."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from clients.combinations import Combination
from clients.harness import JsClient, Node, visited_by
from clients.server import DEADLINE, Mailbox, connections, make_server, serving
from trio_socketio import ConnectRefused, Socket

pytestmark = [pytest.mark.clients, pytest.mark.every_client]

BYTES = bytes(range(256))


@pytest.mark.rows("D21", "E1", "E2", "E22")
async def test_it_connects(client: JsClient) -> None:
    io = make_server()
    sockets = connections(io)
    async with serving(io) as url:
        await client.connect(url, query={"who": "me"})
        socket = await sockets.get()
        state = await client.state()
        assert (state["connected"], state["id"]) == (True, socket.id)
        assert state["session"] == socket.conn.id
        assert (socket.id == socket.conn.id) == (client.combination.protocol == 4)
        query = socket.handshake.query
        assert query["who"] == "me"
        assert query["EIO"] == str(client.combination.revision)
        assert state["transport"] == socket.transport == client.combination.settled


@pytest.mark.whole_matrix
@pytest.mark.rows("D21", "D2", "F3", "F6", "F9")
async def test_events_and_acknowledgements_both_ways(client: JsClient) -> None:
    io = make_server()
    heard: Mailbox[list[Any]] = Mailbox()

    @io.on("up")
    async def up(socket: Socket, *args: Any) -> list[Any]:
        heard.put([*args])
        await socket.emit("down", *args)
        return [*args]

    async with visited_by(client, io) as visit:
        await client.answer("ask", "yes", BYTES)
        for args in (["text", 1.5, {"a": [None, True]}], [BYTES, {"more": [b"\x00", b"\xff"]}, "x"]):
            await client.emit("up", *args)
            assert await heard.get() == args
            assert await client.event("down") == args
            assert await client.call("up", *args) == [args]
            assert await client.event("down") == await heard.get() == args
            with trio.fail_after(DEADLINE):
                assert await visit.socket.call("ask", *args) == ("yes", BYTES)
            assert await client.event("ask") == args


@pytest.mark.needs("empty")
@pytest.mark.rows("D21", "D2", "D3")
async def test_binary_of_no_bytes(client: JsClient) -> None:
    async with visited_by(client) as visit:
        await visit.socket.emit("down", b"", [b"\x00", b""])
        assert await client.event("down") == [b"", [b"\x00", b""]]


@pytest.mark.rows("D21", "G3", "G5")
async def test_broadcasts_reach_it(node: Node, combination: Combination) -> None:
    io = make_server()
    sockets = connections(io)
    one, other = node.client(combination), node.client(combination)
    async with serving(io) as url:
        await one.connect(url)
        (await sockets.get()).join("room")
        await other.connect(url)
        await io.to("room").emit("said", 1, BYTES)
        await io.emit("said", 2)
        assert await one.events("said", 2) == [[1, BYTES], [2]]
        assert await other.event("said") == [2]


@pytest.mark.needs("query")
@pytest.mark.rows("E12")
async def test_the_query_of_a_namespace(client: JsClient) -> None:
    io = make_server()
    sockets = connections(io.of("/ok"))
    async with serving(io) as url:
        await client.start(url, "/ok?token=a%26c&x=1")
        await client.event("connect")
        socket = await sockets.get()
        assert socket.id == f"/ok#{socket.conn.id}"
        assert socket.handshake.auth == {"token": "a&c", "x": "1"}
        assert await client.upgraded() is None
        await socket.emit("down", 1)
        assert await client.event("down") == [1]


@pytest.mark.needs("auth")
@pytest.mark.rows("E21")
async def test_the_auth_of_a_namespace(client: JsClient) -> None:
    io = make_server()
    sockets = connections(io.of("/ok"))
    async with serving(io) as url:
        await client.start(url, "/ok", auth={"token": "a&c", "x": 1})
        await client.event("connect")
        assert (await sockets.get()).handshake.auth == {"token": "a&c", "x": 1}


@pytest.mark.rows("D21", "E1", "E17")
@pytest.mark.parametrize("namespace", ["/", "/club"])
@pytest.mark.parametrize("data", [None, {"code": 7}])
async def test_it_is_refused(client: JsClient, namespace: str, data: Any) -> None:
    io = make_server()

    @io.of(namespace).use
    async def guard(socket: Socket) -> None:
        raise ConnectRefused("members only", data=data)

    async with serving(io) as url:
        await client.start(url, namespace)
        assert await client.refused() == client.told("members only", data)
        assert io.of(namespace).sockets == {}


@pytest.mark.needs("farewell")
@pytest.mark.rows("F21")
async def test_the_client_leaves(client: JsClient) -> None:
    async with visited_by(client) as visit:
        await client.disconnect()
        sid, reason = await visit.ends.get()
        assert sid == visit.socket.id
        assert reason == "client namespace disconnect"
        await client.event("disconnect")


@pytest.mark.rows("F18", "F19", "F21")
@pytest.mark.parametrize("close", [False, True])
async def test_the_server_sends_it_away(client: JsClient, close: bool) -> None:
    async with visited_by(client) as visit:
        await visit.socket.emit("last", BYTES)
        visit.socket.disconnect(close)
        assert await client.event("last") == [BYTES]
        await client.event("disconnect")
        assert await visit.ends.get() == (visit.socket.id, "server namespace disconnect")
