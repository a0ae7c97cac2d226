"""CONNECT: what a client that connects is given, and what the server knows of it."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.links import Link
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import EngineRequest, Server, Socket


@pytest.mark.rows("E2", "E4", "G2")
async def test_connect_gets_an_id_that_is_not_the_sessions(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        sid = client.sids["/"]
        assert len(sid) == 20
        assert sid != client.open["sid"]
        (socket,) = io.sockets.values()
        assert socket.id == sid
        assert socket.rooms == {sid}
        assert socket.conn.id == client.open["sid"]


@pytest.mark.rows("E2")
@pytest.mark.parametrize("auth", ["[1]", '"text"', "-5", "true"])
async def test_auth_that_is_no_object_closes(running: Any, auth: str) -> None:
    async with running(Server()) as net:
        client = await net.session()
        await client.send(f"0{auth}")
        assert isinstance(await client.receive(), CloseConnection)


@pytest.mark.rows("E15")
async def test_connect_timeout(running: Any, autojump_clock: Any) -> None:
    io = Server(connect_timeout=5)
    async with running(io) as net:
        start = trio.current_time()
        client = await net.session()
        assert isinstance(await client.receive(), CloseConnection)
        assert 5 <= trio.current_time() - start < 5.2


@pytest.mark.rows("E15")
async def test_connect_timeout_is_armed_again_when_the_last_namespace_is_left(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(connect_timeout=5)
    async with running(io) as net:
        client = await net.connect()
        await trio.sleep(10)
        start = trio.current_time()
        await client.send("1")
        assert isinstance(await client.receive(), CloseConnection)
        assert 5 <= trio.current_time() - start < 5.2


@pytest.mark.rows("E15")
async def test_connect_timeout_limits_neither_admission_nor_held_events(
    running: Any, autojump_clock: Any
) -> None:
    async def allow(request: EngineRequest) -> None:
        await trio.sleep(10)

    io = Server(connect_timeout=1, allow_request=allow)
    handled: list[float] = []
    io.on("ev", lambda socket: handled.append(trio.current_time() - start))

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        await trio.sleep(20)

    async with running(io) as net:
        client = await net.connect()
        start = trio.current_time()
        await client.call("ev")
    assert handled == [pytest.approx(20, abs=0.2)]


@pytest.mark.rows("E20", "E21", "E22", "E23")
async def test_handshake_has_nodes_nine_fields(running: Any, link: Link) -> None:
    io = Server()
    io.of("/x")
    async with running(io) as net:
        client = await net.session("&token=a%20b&token=c", {"X-Thing": "one", "Cookie": "k=v"})
        await client.connect("/", {"user": "u"})
        await client.connect("/x")
        (socket,) = io.sockets.values()
        (other,) = io.of("/x").sockets.values()
        handshake = socket.handshake
        assert handshake.headers["x-thing"] == "one"
        assert handshake.query == {"EIO": "4", "transport": "websocket", "token": "c"}
        assert handshake.url == "/socket.io/?EIO=4&transport=websocket&token=a%20b&token=c"
        assert handshake.auth == {"user": "u"}
        assert other.handshake.auth == {}
        address = "unix" if link.driver == "reactor" else ""
        assert (handshake.address, handshake.secure, handshake.xdomain) == (address, False, False)
        assert isinstance(handshake.issued, int)
        assert handshake.issued > 1_700_000_000_000
        assert "GMT" in handshake.time
        assert socket.request is other.request
        assert socket.conn is other.conn
        assert socket.conn.request is socket.request


@pytest.mark.rows("E25")
async def test_data_is_the_applications(running: Any) -> None:
    io = Server()
    io.on("set", lambda socket, value: socket.data.update(value=value))
    io.on("get", lambda socket: socket.data["value"])
    async with running(io) as net:
        client, other = await net.connect(), await net.connect()
        await client.call("set", 1)
        await other.call("set", 2)
        assert await client.call("get") == [1]


@pytest.mark.rows("C37")
async def test_transport_and_upgrade_event(running: Any) -> None:
    io = Server()
    upgrades: list[str] = []

    @io.on("connection")
    def connection(socket: Socket) -> None:
        socket.conn.on("upgrade", lambda: upgrades.append(socket.transport))

    async with running(io) as net:
        polling = await (await net.polling()).connect()
        (socket,) = io.sockets.values()
        assert socket.transport == socket.conn.transport.name == "polling"
        ws = await polling.upgrade()
        await ws.send("2probe")
        assert await ws.receive() == "3probe"
        await ws.send("5")
        await socket.emit("x")
        assert await ws.receive() == '42["x"]'
        assert upgrades == ["websocket"]
        assert socket.conn.transport.name == "websocket"
        with pytest.raises(TypeError, match="never awaited"):
            socket.conn.on("upgrade", trio.sleep_forever)
        with pytest.raises(ValueError, match="'upgrade'"):
            socket.conn.on("message", lambda: None)


@pytest.mark.rows("C36")
async def test_clients_count(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        assert io.engine.clients_count == 0
        client = await net.session()
        await net.polling()
        assert io.engine.clients_count == 2
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
        assert io.engine.clients_count == 1


async def test_socket_ids_do_not_depend_on_the_applications_session_ids(running: Any) -> None:
    numbers = iter(range(100))
    io = Server(generate_id=lambda: f"session-{next(numbers)}")
    async with running(io) as net:
        client = await net.connect()
        assert client.open["sid"] == "session-0"
        assert len(client.sids["/"]) == 20
