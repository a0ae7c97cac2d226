"""The Socket.IO side of a session: reading while a call is pending, closing during a read, a full outbox at CONNECT."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import trio
from support.handlers import Slow, pending_call
from support.wire import client_frame
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import Outbox, Server, Socket


async def test_client_whose_outbox_is_full_at_connect_is_disconnected_without_handlers(
    running: Any,
) -> None:
    io = Server(outbox=Outbox(max_packets=4))
    joined: list[Socket] = []
    kept: list[weakref.ref[Any]] = []

    @io.on("fill")
    def fill(socket: Socket) -> None:
        for number in range(4):
            socket.emit_nowait("number", number)
        kept.append(weakref.ref(socket))
        socket._state.peer.text(b"0/b,", trio.current_time())

    io.of("/b").on("connection", joined.append)
    async with running(io) as net:
        client = await net.connect()
        await client.emit("fill")
        with trio.fail_after(5):
            while io.sockets:
                await trio.testing.wait_all_tasks_blocked()
        assert joined == []
        assert not io.of("/b").sockets
    gc.collect()
    assert kept[0]() is None


async def test_handler_that_awaits_call_with_a_full_inbox_does_not_deadlock(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(inbox_events=4)
    log: list[Any] = []

    @io.on("go")
    async def go(socket: Socket) -> None:
        await trio.sleep(1)  # the inbox fills, and reading is paused
        log.append(await socket.call("ask"))

    io.on("more", lambda socket, n: log.append(n))
    async with running(io) as net:
        net.narrow()
        client = await net.connect()
        await client.emit("go")

        async def flood() -> None:
            for n in range(8):
                await client.emit("more", n)
            await client.send('30["answer"]')

        async with trio.open_nursery() as nursery:
            nursery.start_soon(flood)
            assert await client.event() == ["ask"]
        await wait_all_tasks_blocked()
    assert log == ["answer", *range(8)]


async def test_pending_call_in_one_namespace_keeps_the_connection_reading(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(inbox_events=2)
    slow = Slow(io)
    io.of("/x")

    async with running(io) as net:
        net.narrow()
        client = await (await net.connect()).connect("/x")
        (other,) = io.of("/x").sockets.values()
        async with pending_call(client, other):
            for _ in range(5):
                await client.emit("slow")
        slow.go_on.set()


async def test_plain_handler_disconnects_all_while_their_events_are_read(running: Any) -> None:
    io = Server()
    calls: list[str] = []

    @io.on("ev")
    def ev(socket: Socket) -> None:
        calls.append(socket.id)
        for other in list(io.sockets.values()):
            other.disconnect(close=True)
        io.emit_nowait("nobody is left")

    async with running(io) as net:
        first, second = await net.connect(), await net.connect()
        await first.ws.send_raw(client_frame(1, b'42["ev"]') * 5)
        for client in (first, second):
            assert await client.receive() == "1"
            assert isinstance(await client.receive(), CloseConnection)
    assert calls == [first.sids["/"]]
