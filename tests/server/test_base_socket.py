"""``disconnect`` of a socket, with and without ``close``."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import Server, Socket


@pytest.mark.rows("F19")
async def test_disconnect_with_close_sends_41_for_each_namespace_and_closes(running: Any) -> None:
    io = Server()
    x = io.of("/x")
    reasons: list[str] = []
    for namespace in (io.of("/"), x):
        namespace.on("disconnect", lambda socket, reason: reasons.append(reason))
    async with running(io) as net:
        client = await (await net.connect()).connect("/x")
        next(iter(x.sockets.values())).disconnect(close=True)
        assert {await client.receive(), await client.receive()} == {"1", "1/x,"}
        end = await client.receive()
        assert isinstance(end, CloseConnection)
        assert end.code == 1000
        await wait_all_tasks_blocked()
    assert reasons == ["server namespace disconnect"] * 2


async def test_disconnect_may_be_called_in_any_handler(running: Any) -> None:
    io = Server()
    ended: list[str] = []

    @io.on("disconnect")
    def gone(socket: Socket, reason: str) -> None:
        socket.disconnect()
        socket.disconnect(close=True)
        socket.leave("room")
        socket.join("room")
        ended.append(reason)

    @io.use
    async def mw(socket: Socket) -> None:
        if socket.handshake.auth.get("in") == "middleware":
            socket.disconnect(close=True)
            await trio.lowlevel.checkpoint()

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        if socket.handshake.auth.get("in") == "connection":
            socket.disconnect(close=True)

    @io.on("ev")
    def ev(socket: Socket) -> str:
        socket.disconnect(close=True)
        return "never seen"

    async with running(io) as net:
        for where in ("middleware", "connection"):
            client = await net.session()
            await client.send(f'0{{"in":"{where}"}}')
            while not isinstance(await client.receive(), CloseConnection):
                pass
        client = await net.connect()
        await client.emit("ev", ack=0)
        assert await client.receive() == "1"
        assert isinstance(await client.receive(), CloseConnection)
        await wait_all_tasks_blocked()
    assert ended == ["server namespace disconnect"] * 2
