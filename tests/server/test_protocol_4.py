"""Clients of Socket.IO protocol 4: ids, events, rooms, and how they leave."""

from __future__ import annotations

from typing import Any

import pytest
from support.protocol_4 import URL, connected, joined, server
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import Outbox, Socket


@pytest.mark.rows("D21", "E4", "G2")
async def test_socket_ids_contain_the_session_id(running: Any) -> None:
    io = server()
    ok = io.of("/ok")
    async with running(io) as net:
        client, other = await joined(net, "/ok"), await joined(net, "/ok")
        sid = client.open["sid"]
        assert set(ok.sockets) == {f"/ok#{sid}", f"/ok#{other.open['sid']}"}
        assert ok.sockets[f"/ok#{sid}"].rooms == {f"/ok#{sid}"}
        await ok.to(f"/ok#{sid}").emit("for one")
        await io.to(sid).emit("for it, too")
        await ok.emit("for all")
        assert await client.receive() == '2/ok,["for one"]'
        assert await client.receive() == '2["for it, too"]'
        for both in (client, other):
            assert await both.receive() == '2/ok,["for all"]'


@pytest.mark.rows("D21", "D2", "F6", "F9")
async def test_events_acknowledgements_and_attachments_are_as_in_protocol_5(running: Any) -> None:
    io = server()
    ok = io.of("/ok")
    heard: list[Any] = []

    @ok.on("echo")
    async def echo(socket: Socket, *args: Any) -> tuple[Any, ...]:
        heard.append(await socket.call("ask", 1))
        return args

    async with running(io) as net:
        client = await joined(net, "/ok")
        await client.send('2/ok,7["echo","x",{"y":[null]}]')
        assert await client.receive() == '2/ok,0["ask",1]'
        await client.send("3/ok,0[2,3]")
        assert await client.receive() == '3/ok,7["x",{"y":[null]}]'
        assert heard == [(2, 3)]


@pytest.mark.rows("E26", "F18", "F21")
async def test_both_sides_can_leave_namespaces(running: Any) -> None:
    io = server()
    ok = io.of("/ok")
    gone: list[tuple[str, str]] = []
    for namespace in (io.of("/"), ok):
        namespace.on("disconnect", lambda socket, reason: gone.append((socket.nsp.name, reason)))
    async with running(io) as net:
        client = await joined(net, "/ok")
        await client.send("1/ok,")
        await wait_all_tasks_blocked()
        assert gone == [("/ok", "client namespace disconnect")]
        io.sockets[client.open["sid"]].disconnect()
        assert await client.receive() == "1"
        await wait_all_tasks_blocked()
        assert gone[1:] == [("/", "server namespace disconnect")]


@pytest.mark.rows("E1", "F18", "F19")
@pytest.mark.parametrize("close", [False, True])
async def test_connection_handler_may_disconnect_at_once(running: Any, close: bool) -> None:
    io = server()
    gone: list[str] = []
    io.on("connection", lambda socket: socket.disconnect(close))
    io.on("disconnect", lambda socket, reason: gone.append(reason))
    async with running(io) as net:
        client = await connected(net)
        assert await client.receive() == "1"
        if close:
            assert isinstance(await client.receive(), CloseConnection)
        await wait_all_tasks_blocked()
    assert gone == ["server namespace disconnect"]


@pytest.mark.rows("D21", "G3", "G4")
async def test_rooms_hold_clients_of_both_protocols(running: Any) -> None:
    io = server()
    io.on("connection", lambda socket: socket.join("r"))
    io.on("say", lambda socket, text: socket.to("r").emit_nowait("said", text))
    async with running(io) as net:
        old, new = await connected(net), await net.connect()
        await io.to("r").emit("all", 1)
        for client in (old, new):
            assert await client.receive() == '2["all",1]'
        await old.emit("say", "x")
        assert await new.receive() == '2["said","x"]'
        await new.emit("say", "y")
        assert await old.receive() == '2["said","y"]'


@pytest.mark.rows("E1", "C36")
async def test_handler_may_end_the_session_while_it_opens(autojump_clock: Any, running: Any) -> None:
    io = server(outbox=Outbox(max_packets=4))
    reasons: list[str] = []

    @io.on("connection")
    def connection(socket: Socket) -> None:
        socket.on("disconnect", reasons.append)
        while socket.connected:
            socket.emit_nowait("more than it holds")

    async with running(io) as net:
        response = await net.http().request("GET", "/socket.io/?EIO=3&transport=polling")
        assert (response.status, response.body) == (400, b"")
        ws = await net.websocket(URL)
        end = await ws.receive()
        assert isinstance(end, CloseConnection)
        assert end.code == 1008
        await wait_all_tasks_blocked()
        assert reasons == ["forced server close"] * 2
        assert io.engine.clients_count == 0
