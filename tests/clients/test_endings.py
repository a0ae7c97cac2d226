"""How connections of real clients end, what both sides are told, and how clients come back."""

from __future__ import annotations

import pytest
import trio

from clients.harness import JsClient, Node, visited_by
from clients.server import Mailbox, arrivals, connections, disconnections, echoes, make_server, serving
from trio_socketio import Socket

pytestmark = pytest.mark.clients


@pytest.mark.rows("F21", "F26")
async def test_the_client_disconnects(client: JsClient) -> None:
    async with visited_by(client) as visit:
        await client.disconnect()
        assert await client.event("disconnect") == ["io client disconnect"]
        assert await visit.ends.get() == (visit.socket.id, "client namespace disconnect")
        assert not visit.socket.connected


@pytest.mark.rows("C28", "F21")
async def test_the_client_ends_the_session(client: JsClient) -> None:
    async with visited_by(client) as visit:
        await client.hang_up()
        assert await client.event("disconnect") == ["forced close"]
        assert await visit.ends.get() == (visit.socket.id, "transport close")


@pytest.mark.rows("E26", "F18", "F21")
@pytest.mark.needs("unicode")
async def test_the_server_disconnects_one_namespace(client: JsClient) -> None:
    io = make_server()
    sockets, ends = connections(io.of("/chat")), disconnections(io.of("/chat"))
    echoes(io)
    async with serving(io) as url:
        await client.connect(url)
        chat = await client.of("/chat")
        await chat.event("connect")
        socket = await sockets.get()
        socket.emit_nowait("last", "再见")
        socket.disconnect()
        assert await chat.event("last") == ["再见"]
        assert await chat.event("disconnect") == ["io server disconnect"]
        assert await ends.get() == (socket.id, "server namespace disconnect")
        assert await client.call("echo", "still here") == ["still here"]


@pytest.mark.rows("F19", "F21")
async def test_the_server_disconnects_all_namespaces(client: JsClient) -> None:
    io = make_server()
    sockets, ends = connections(io), disconnections(io)
    chat_sockets, chat_ends = connections(io.of("/chat")), disconnections(io.of("/chat"))
    async with serving(io) as url:
        await client.connect(url)
        chat = await client.of("/chat")
        await chat.event("connect")
        (await sockets.get()).disconnect(close=True)
        for one, their_ends in ((client, ends), (chat, chat_ends)):
            assert await one.event("disconnect") == ["io server disconnect"]
            assert (await their_ends.get())[1] == "server namespace disconnect"
        assert not (await chat_sockets.get()).connected
        await client.event("close")


@pytest.mark.rows("F18", "F19")
async def test_the_last_events_come_before_the_end(client: JsClient, node: Node) -> None:
    async with visited_by(client) as visit:
        await client.at_rest(visit.arrived)
        # The waiting poll is answered, and the client cannot send the next one before all is over.
        node.pause()
        try:
            await visit.socket.emit("first")
            await visit.socket.flush()
            visit.socket.emit_nowait("last", b"\x00")
            visit.socket.disconnect(close=True)
        finally:
            node.resume()
        assert await client.event("first") == []
        assert await client.event("last") == [b"\x00"]
        assert await client.event("disconnect") == ["io server disconnect"]


@pytest.mark.rows("F21", "H1")
async def test_the_server_stops(client: JsClient) -> None:
    async with visited_by(client) as visit:
        await client.at_rest(visit.arrived)
    assert await client.event("disconnect") == ["transport close"]
    assert await visit.ends.get() == (visit.socket.id, "server shutting down")


@pytest.mark.rows("C30", "F21")
async def test_the_client_is_killed(client: JsClient, node: Node) -> None:
    async with visited_by(client) as visit:
        await client.at_rest(visit.arrived)
        await node.kill()
        reason = "transport error" if client.combination.settled == "polling" else "transport close"
        assert await visit.ends.get() == (visit.socket.id, reason)


@pytest.mark.rows("C20", "F21")
async def test_the_client_answers_no_ping(client: JsClient, node: Node) -> None:
    async with visited_by(client, make_server(ping_interval=0.3, ping_timeout=0.3)) as visit:
        node.pause()
        try:
            assert await visit.ends.get() == (visit.socket.id, "ping timeout")
        finally:
            node.resume()
        (reason,) = await client.event("disconnect")
        assert reason in {"ping timeout", "transport close", "transport error"}


@pytest.mark.rows("C20")
async def test_the_heartbeat_keeps_an_idle_client(client: JsClient) -> None:
    io = make_server(ping_interval=0.2, ping_timeout=5.0)
    sockets, ends = connections(io), disconnections(io)

    async with serving(io) as url:
        await client.start(url)
        await client.event("connect")
        socket = await sockets.get()
        # The client's own deadline is interval and timeout together; five pings must have come for it to hold.
        await client.upgraded()
        await client.events("ping", 5)
        assert socket.connected
        assert not ends
        assert not client.pending("disconnect")


@pytest.mark.rows("F21", "H1")
@pytest.mark.needs("auth")
async def test_the_client_comes_back_after_a_restart(client: JsClient) -> None:
    first = make_server()
    sockets, arrived = connections(first), arrivals(first)
    async with serving(first) as url:
        await client.start(
            url, reconnection=True, reconnectionDelay=50, reconnectionDelayMax=100, auth={"who": "小明"}
        )
        await client.event("connect")
        await client.upgraded()
        old = await sockets.get()
        await client.at_rest(arrived)
    assert await client.event("disconnect") == ["transport close"]
    await client.emit("echo", "written while the server was away")

    second = make_server()
    sockets = connections(second)

    @second.on("echo")
    async def echo(socket: Socket, text: str) -> None:
        await socket.emit("echoed", text)

    async with serving(second, int(url.rsplit(":", 1)[1])):
        (attempt,) = await client.event("reconnect")
        assert attempt >= 1
        new = await sockets.get()
        assert await client.event("connect") == [new.id]
        assert new.id != old.id
        assert new.handshake.auth == {"who": "小明"}
        assert await client.event("echoed") == ["written while the server was away"]
        await client.upgraded()
        assert (await client.state())["transport"] == client.combination.settled


@pytest.mark.rows("P3")
async def test_the_client_leaves_and_rejoins_a_namespace(client: JsClient) -> None:
    """What the old socket's disconnect handler removes is never the new socket's."""
    io = make_server()
    users: dict[str, str] = {}
    log: list[str] = []
    chat = io.of("/chat")
    joined: Mailbox[str] = Mailbox()

    @chat.on("connection")
    def connection(socket: Socket) -> None:
        users["ali"] = socket.id
        log.append("connection")
        joined.put(socket.id)

    @chat.on("disconnect")
    async def disconnect(socket: Socket) -> None:
        await trio.lowlevel.checkpoint()
        users.pop("ali")
        log.append("disconnect")

    async with serving(io) as url:
        await client.connect(url)
        other = await client.of("/chat")
        await joined.get()
        await other.event("connect")
        for _ in range(20):
            await other.rejoin()
            await other.event("disconnect")
            await other.event("connect")
            assert users == {"ali": await joined.get()}
    assert log == ["connection", *["disconnect", "connection"] * 20, "disconnect"]
