"""Emitting to clients that read: order, names of events, and values that are refused."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.handlers import counted_turns
from support.links import only
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import (
    Disconnected,
    LocalProtocolError,
    ReservedEventError,
    Server,
    Socket,
)

RESERVED = ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]


@pytest.mark.rows("F3", "F4", "D14")
async def test_emit_send_and_emit_nowait_keep_their_order(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        socket = only(io)
        await socket.emit("一", "二", {"三": ["😀", None, True]})
        socket.emit_nowait("b", 1.5)
        await socket.send("hello", "world")
        await io.emit("c")
        io.emit_nowait("d")
        assert await client.receive() == '2["一","二",{"三":["😀",null,true]}]'
        assert [await client.event() for _ in range(4)] == [
            ["b", 1.5],
            ["message", "hello", "world"],
            ["c"],
            ["d"],
        ]


@pytest.mark.rows("F4")
async def test_message_is_an_ordinary_event(running: Any) -> None:
    io = Server()
    io.on("message", lambda socket, text: text.upper())
    async with running(io) as net:
        client = await net.connect()
        assert await client.call("message", "abc") == ["ABC"]


@pytest.mark.rows("D10")
@pytest.mark.parametrize("event", RESERVED)
async def test_reserved_names_are_refused_on_emit(running: Any, event: str) -> None:
    io = Server()
    async with running(io) as net:
        await net.connect()
        for emit in (only(io).emit, io.emit, only(io).call):
            with pytest.raises(ReservedEventError, match=f'^"{event}" is a reserved event name$'):
                await emit(event)


@pytest.mark.rows("D9")
@pytest.mark.parametrize("event", RESERVED)
async def test_reserved_names_are_refused_on_receive(running: Any, event: str) -> None:
    io = Server()
    calls: list[Any] = []
    io.on("connection", lambda socket: calls.append("connection"))
    io.on("disconnect", lambda socket, reason: calls.append(reason))
    async with running(io) as net:
        client = await net.connect()
        await client.emit(event)
        assert isinstance(await client.receive(), CloseConnection)
        await wait_all_tasks_blocked()
    assert calls == ["connection", "forced close"]


async def test_value_that_cannot_be_encoded_raises(running: Any) -> None:
    io = Server()
    circle: list[Any] = []
    circle.append(circle)
    async with running(io) as net:
        client, other = await net.connect(), await net.connect()
        for value in (object(), circle, {"deep": [lambda: None]}):
            with pytest.raises(LocalProtocolError):
                await io.emit("ev", value)
            with pytest.raises(LocalProtocolError):
                await next(iter(io.sockets.values())).emit("ev", b"binary", value)
        await io.emit("fine", float("nan"), {1})
        assert await client.event() == await other.event() == ["fine", None, [1]]


@pytest.mark.rows("D2", "D3", "D11")
async def test_header_and_attachments_are_never_interleaved(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        socket = only(io)

        async def emit(name: str) -> None:
            for i in range(20):
                await socket.emit(name, i, b"one", {"in": (bytearray(b"two"), memoryview(b"three"))})
                await trio.lowlevel.checkpoint()

        async with trio.open_nursery() as nursery:
            for name in "abc":
                nursery.start_soon(emit, name)
        counts = dict.fromkeys("abc", 0)
        for _ in range(60):
            head = await client.receive()
            assert isinstance(head, str)
            assert head.startswith("53-[")
            name = head[5]
            assert head == (
                f'53-["{name}",{counts[name]},{{"_placeholder":true,"num":0}},'
                '{"in":[{"_placeholder":true,"num":1},{"_placeholder":true,"num":2}]}]'
            )
            counts[name] += 1
            assert [await client.receive() for _ in range(3)] == [b"one", b"two", b"three"]


@pytest.mark.rows("G18")
async def test_emit_may_be_called_in_any_task(running: Any) -> None:
    io = Server()
    with pytest.raises(RuntimeError, match="async with io"):
        io.health()
    await io.emit("nobody is there")
    async with running(io) as net:
        client = await net.connect()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(io.emit, "from a task")
        assert await client.event() == ["from a task"]


@pytest.mark.rows("G22")
async def test_order_of_broadcasts_unicasts_and_acks(running: Any) -> None:
    io = Server()

    @io.on("go")
    async def go(socket: Socket) -> str:
        for i in range(100):
            await io.emit("n", 3 * i)
            await socket.emit("n", 3 * i + 1)
            await io.to(socket.id).emit("n", 3 * i + 2)
        return "done"

    async with running(io) as net:
        client = await net.connect()
        await client.emit("go", ack=0)
        assert [(await client.event())[1] for _ in range(300)] == list(range(300))
        assert await client.receive() == '30["done"]'


@pytest.mark.rows("F24")
async def test_emit_after_the_end_raises_and_writes_nothing(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        socket = only(io)
        socket.join("room")
        socket.disconnect()
        for emit in (socket.emit, socket.call, socket.send, socket.volatile.emit):
            with pytest.raises(Disconnected, match="server namespace disconnect"):
                await emit("late")
        with pytest.raises(Disconnected):
            socket.emit_nowait("late")
        await io.to("room").emit("late")
        await io.emit("late")
        assert await client.receive() == "1"
        await client.connect()
        await io.emit("mark")
        assert await client.event() == ["mark"]


async def test_cancelled_emits_were_not_queued(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        socket = only(io)
        for emit in (socket.emit, io.emit, socket.volatile.emit, socket.call, socket.send):
            with trio.CancelScope() as scope:
                scope.cancel()
                await emit("never")
            assert scope.cancelled_caught
        await socket.emit("mark")
        assert await client.event() == ["mark"]


async def test_emit_yields_at_least_every_32nd_call(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        await net.connect()
        socket = only(io)
        async with counted_turns() as turns:
            for _ in range(320):
                await socket.emit("ev")
            assert 8 <= turns.count <= 40
