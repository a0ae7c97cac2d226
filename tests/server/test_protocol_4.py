"""Clients of Socket.IO protocol 4 on Engine.IO revision 3."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import trio
from support.wire import SioClient, Wire
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import ConnectRefused, Outbox, Server, Socket

URL = "/socket.io/?EIO=3&transport=websocket&who=me"


def server(**options: Any) -> Server:
    return Server(allow_eio3=True, **options)


async def opened(wire: Wire) -> SioClient:
    """A client that has been told about its session, and nothing more."""
    return await SioClient(await wire.websocket(URL)).start()


async def connected(wire: Wire) -> SioClient:
    """A client in the main namespace."""
    client = await opened(wire)
    assert await client.receive() == "0"
    return client


async def joined(wire: Wire, namespace: str) -> SioClient:
    """A client in the main namespace and another one."""
    client = await connected(wire)
    await client.send(f"0{namespace},")
    assert await client.receive() == f"0{namespace},"
    return client


@pytest.mark.rows("D21", "E1")
async def test_client_joins_the_main_namespace_without_connect(running: Any) -> None:
    io = server()
    io.on("connection", lambda socket: socket.emit_nowait("hello"))
    async with running(io) as net:
        client = await opened(net)
        assert await client.receive() == "0"
        assert await client.receive() == '2["hello"]'
        (socket,) = io.sockets.values()
        assert socket.id == socket.conn.id == client.open["sid"]
        assert socket.rooms == {socket.id}
        assert socket.handshake.auth == {}
        assert socket.handshake.query["who"] == "me"


@pytest.mark.rows("E1", "E16")
async def test_main_namespace_is_joined_after_its_middlewares(running: Any) -> None:
    io = server()
    ready = trio.Event()
    steps: list[str] = []

    @io.use
    async def slow(socket: Socket) -> None:
        steps.append("asked")
        await ready.wait()
        socket.join("early")

    io.on("connection", lambda socket: steps.append("connected"))
    async with running(io) as net:
        client = await opened(net)
        await wait_all_tasks_blocked()
        assert (steps, io.sockets) == (["asked"], {})
        ready.set()
        assert await client.receive() == "0"
        assert steps == ["asked", "connected"]
        assert io.sockets[client.open["sid"]].rooms == {client.open["sid"], "early"}


@pytest.mark.rows("D21", "E1", "E17", "E19")
@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (partial(ConnectRefused, "not authorized"), "not authorized"),
        (partial(ConnectRefused, "not authorized", data={"code": 7}), {"code": 7}),
        (partial(ConnectRefused, "not authorized", data=[]), []),
        (partial(ConnectRefused, "没有权限", data="说明"), "说明"),
        (partial(ConnectRefused, "binary", data=b"\x00"), "Internal server error"),
        (partial(RuntimeError, "a bug"), "Internal server error"),
    ],
    ids=["message", "data", "empty data", "not ASCII", "binary data", "no refusal"],
)
@pytest.mark.parametrize("namespace", ["/", "/club"])
async def test_refusal_sends_only_the_data_or_the_message(
    running: Any, error: Callable[[], Exception], answer: object, namespace: str
) -> None:
    io = server()
    gone: list[str] = []

    @io.of(namespace).use
    def refuse(socket: Socket) -> None:
        raise error()

    io.of(namespace).on("disconnect", lambda socket, reason: gone.append(reason))
    async with running(io) as net:
        client = await opened(net)
        prefix = ""
        if namespace != "/":
            assert await client.receive() == "0"
            prefix = f"{namespace},"
            await client.send(f"0{prefix}")
        refusal = await client.receive()
        assert isinstance(refusal, str)
        assert refusal.startswith(f"4{prefix}")
        assert json.loads(refusal.removeprefix(f"4{prefix}")) == answer
        await wait_all_tasks_blocked()
        assert (io.of(namespace).sockets, gone) == ({}, [])


@pytest.mark.rows("D21", "E11")
async def test_unknown_namespace_is_refused_with_the_same_object(running: Any) -> None:
    async with running(server()) as net:
        client = await connected(net)
        await client.send("0/nope?token=abc,")
        assert await client.receive() == '4/nope,{"message":"Invalid namespace"}'


@pytest.mark.rows("E12", "E21")
@pytest.mark.parametrize(
    ("sent", "auth"),
    [
        ("0/ok?token=abc&x=1,", {"token": "abc", "x": "1"}),
        ("0/ok?token=abc", {"token": "abc"}),
        ("0/ok?", {}),
        ("0/ok", {}),
        ("0/ok?a=%E4%BD%A0%2C+%26&b", {"a": "你, &", "b": ""}),
        ("0/ok?a=1&a=2&c=?,", {"a": "2", "c": "?"}),
        ('0/ok?a=1,{"b":"2"}', {"a": "1"}),
    ],
)
async def test_query_of_a_namespace_is_its_auth(running: Any, sent: str, auth: dict[str, str]) -> None:
    io = server()
    ok = io.of("/ok")
    async with running(io) as net:
        client = await connected(net)
        await client.send(sent)
        assert await client.receive() == "0/ok,"
        (socket,) = ok.sockets.values()
        assert socket.handshake.auth == auth
        assert next(iter(io.sockets.values())).handshake.auth == {}


@pytest.mark.rows("E12")
async def test_other_packets_may_repeat_the_query(running: Any) -> None:
    io = server()
    ok = io.of("/ok")
    ok.on("event", lambda socket, value: value)
    async with running(io) as net:
        client = await joined(net, "/ok")
        await client.send('2/ok?a=1,0["event","x"]')
        assert await client.receive() == '3/ok,0["x"]'
        await client.send("1/ok?a=1,")
        await wait_all_tasks_blocked()
        assert ok.sockets == {}


@pytest.mark.rows("E12")
async def test_protocol_5_has_no_query(running: Any) -> None:
    io = server()
    io.of("/ok")
    async with running(io) as net:
        client = await net.session()
        await client.send("0/ok?token=abc,")
        assert await client.receive() == '4/ok?token=abc,{"message":"Invalid namespace"}'


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


@pytest.mark.rows("E13")
async def test_connect_to_the_main_namespace_closes_the_connection(running: Any) -> None:
    async with running(server()) as net:
        client = await connected(net)
        await client.send("0")
        assert isinstance(await client.receive(), CloseConnection)


@pytest.mark.rows("E1", "E15")
async def test_connect_timeout_limits_middlewares(running: Any, autojump_clock: Any) -> None:
    io = server(connect_timeout=5)
    cancelled: list[bool] = []

    @io.use
    async def never(socket: Socket) -> None:
        try:
            await trio.sleep_forever()
        finally:
            cancelled.append(True)

    async with running(io) as net:
        start = trio.current_time()
        client = await opened(net)
        assert isinstance(await client.receive(), CloseConnection)
        assert 5 <= trio.current_time() - start < 5.2
        await wait_all_tasks_blocked()
    assert cancelled == [True]


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
