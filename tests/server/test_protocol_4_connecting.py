"""Joining namespaces in Socket.IO protocol 4: the main one without CONNECT, others with a query."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import trio
from support.protocol_4 import connected, joined, opened, server
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import ConnectRefused, Socket


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
