"""Middlewares run before CONNECT is answered, and only they refuse."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.handlers import noted_errors
from support.logs import warnings
from trio.testing import wait_all_tasks_blocked

from trio_socketio import (
    ConnectRefused,
    Disconnected,
    LocalProtocolError,
    Server,
    Socket,
)


@pytest.mark.rows("E16")
async def test_middlewares_run_in_order_before_connect_is_answered(running: Any) -> None:
    io = Server()
    log: list[str] = []
    go_on = trio.Event()

    @io.use
    async def first(socket: Socket) -> None:
        log.append("first")
        socket.join("early")
        await go_on.wait()

    @io.use
    def second(socket: Socket) -> None:
        log.append("second")

    @io.on("connection")
    def connection(socket: Socket) -> None:
        log.append(f"connection {sorted(socket.rooms - {socket.id})}")

    async with running(io) as net:
        client = await net.session()
        await client.send("0")
        await wait_all_tasks_blocked()
        assert log == ["first"]
        go_on.set()
        assert str(await client.receive()).startswith('0{"sid":')
        await wait_all_tasks_blocked()
    assert log == ["first", "second", "connection ['early']"]


@pytest.mark.rows("E17")
async def test_refusal_has_a_message_and_data(running: Any) -> None:
    io = Server()
    mid = io.of("mid")
    connections: list[Socket] = []
    mid.on("connection", connections.append)
    mid.on("disconnect", connections.append)

    @mid.use
    async def no(socket: Socket) -> None:
        if socket.handshake.auth.get("token") != "right":
            raise ConnectRefused("not authorized", data={"code": 7})

    async with running(io) as net:
        client = await net.session()
        await client.send("0/mid,")
        assert await client.receive() == '4/mid,{"message":"not authorized","data":{"code":7}}'
        await client.connect("/mid", {"token": "right"})
        await wait_all_tasks_blocked()
        assert len(connections) == 1


@pytest.mark.rows("E17")
async def test_refusal_from_a_nursery_refuses(running: Any, caplog: pytest.LogCaptureFixture) -> None:
    io = Server()

    async def check(socket: Socket) -> None:
        raise ConnectRefused("not you", data={"code": 7})

    @io.use
    async def checks(socket: Socket) -> None:
        async with trio.open_nursery() as outer, trio.open_nursery() as nursery:
            outer.start_soon(trio.sleep_forever)
            nursery.start_soon(check, socket)

    async with running(io) as net:
        client = await net.session()
        await client.send("0")
        assert await client.receive() == '4{"message":"not you","data":{"code":7}}'
    assert caplog.records == []


@pytest.mark.rows("E19")
async def test_exception_in_a_middleware_is_an_internal_error(
    running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server()
    errors: list[Exception] = []
    io.on_error(lambda socket, event, error: errors.append(error))

    @io.use
    async def broken(socket: Socket) -> None:
        raise ValueError("swordfish")

    async with running(io) as net:
        client = await net.session()
        await client.send("0")
        assert await client.receive() == '4{"message":"Internal server error"}'
    assert [str(error) for error in errors] == ["swordfish"]
    assert len(warnings(caplog)) == 1


@pytest.mark.rows("E16")
async def test_middleware_is_cancelled_when_the_client_disconnects(running: Any) -> None:
    io = Server()
    cancelled = trio.Event()
    ended: list[Socket] = []
    io.on("disconnect", ended.append)

    @io.use
    async def slow(socket: Socket) -> None:
        try:
            await trio.sleep_forever()
        finally:
            cancelled.set()

    async with running(io) as net:
        client = await net.session()
        await client.send("0")
        await wait_all_tasks_blocked()
        await client.ws.stream.aclose()
        await cancelled.wait()
    assert ended == []


async def test_nothing_is_emitted_before_connect(running: Any) -> None:
    io = Server()
    go_on = trio.Event()
    early: list[BaseException] = []

    @io.use
    async def slow(socket: Socket) -> None:
        socket.join("lobby")
        for emit in (socket.emit_nowait, socket.volatile.emit_nowait):
            with pytest.raises(Disconnected, match="not connected yet") as info:
                emit("early")
            early.append(info.value)
        with pytest.raises(Disconnected):
            await socket.emit("early")
        await go_on.wait()

    async with running(io) as net:
        client = await net.session()
        await client.send("0")
        await wait_all_tasks_blocked()
        await io.emit("too early")
        await io.to("lobby").emit("too early")
        go_on.set()
        assert str(await client.receive()).startswith('0{"sid":')
        await io.to("lobby").emit("now")
        assert await client.event() == ["now"]
    assert len(early) == 2


async def test_only_middlewares_refuse(running: Any) -> None:
    io = Server()

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        raise ConnectRefused("too late")

    async with running(io) as net:
        client = await net.connect()
        assert await client.receive() == "1"  # no CONNECT_ERROR


async def test_refusal_whose_data_cannot_be_encoded_is_an_internal_error(running: Any) -> None:
    io = Server()
    errors = noted_errors(io)

    @io.use
    def no(socket: Socket) -> None:
        raise ConnectRefused("no", data=object() if socket.handshake.auth else None)

    async with running(io) as net:
        client = await net.session()
        await client.send('0{"odd":1}')
        assert await client.receive() == '4{"message":"Internal server error"}'
        await client.send("0")
        assert await client.receive() == '4{"message":"no"}'
    assert [type(error) for _, error in errors] == [LocalProtocolError]


async def test_return_value_of_a_middleware_is_ignored(running: Any) -> None:
    io = Server()
    io.use(lambda socket: True)
    async with running(io) as net:
        await net.connect()
