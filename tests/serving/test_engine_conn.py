"""The session of a socket, ``socket.conn``: its transport, and the listeners for its events."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.peers import Transport, each_transport, open_peer
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import (
    Server,
    Socket,
)


@pytest.mark.parametrize("what", ["emit", "raise", "close"])
async def test_upgrade_listener_may_emit_raise_or_disconnect(running: Any, what: str) -> None:
    io = Server()

    @io.on("connection")
    def connection(socket: Socket) -> None:
        def upgraded() -> None:
            socket.emit_nowait("upgraded")
            if what == "raise":
                raise ValueError
            if what == "close":
                socket.disconnect(close=True)

        socket.conn.on("upgrade", upgraded)

    async with running(io) as net:
        polling = await (await net.polling()).connect()
        ws = await polling.upgrade()
        await ws.send("2probe")
        assert await ws.receive() == "3probe"
        await ws.send("5")
        assert await ws.receive() == '42["upgraded"]'
        if what == "close":
            assert await ws.receive() == "41"
            assert isinstance(await ws.receive(), CloseConnection)
        else:
            assert len(io.sockets) == 1


@pytest.mark.rows("C37")
async def test_upgrade_listener_is_called_after_the_transport_has_changed(running: Any) -> None:
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


@pytest.mark.rows("C38")
@each_transport
async def test_drain_listener_of_a_socketio_socket_is_called_after_a_flush(
    running: Any, transport: Transport
) -> None:
    io = Server()
    async with running(io) as net:
        peer = await open_peer(net, transport)
        await peer.send("0")
        assert isinstance(joined := await peer.receive(), str)
        assert joined[0] == "0"
        (socket,) = io.sockets.values()
        socket.emit_nowait("ev")
        drained: list[int] = []
        socket.conn.on("drain", lambda: drained.append(socket.conn.buffered))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(socket.flush)
            assert await peer.receive() == '2["ev"]'
        assert drained == [0]


@pytest.mark.rows("C35")
@each_transport
async def test_close_listener_of_a_socketio_socket_is_called_with_the_reason(
    running: Any, transport: Transport
) -> None:
    io = Server()
    ends: list[tuple[str, str]] = []
    async with running(io) as net:
        peer = await open_peer(net, transport)
        await peer.send("0")
        await peer.receive()
        (socket,) = io.sockets.values()
        socket.conn.on("close", lambda reason, description: ends.append((reason, description)))
        assert socket.conn.connected
        await peer.close()
        await wait_all_tasks_blocked()
        assert not socket.conn.connected
    assert ends == [("transport close", "the client sent a close packet")]
