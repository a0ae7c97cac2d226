"""The Socket.IO side of a session: reading while a call is pending, closing during a read, a full outbox at CONNECT."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import trio
from support.wire import client_frame
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
