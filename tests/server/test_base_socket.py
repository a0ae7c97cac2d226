"""A socket as peers and handlers use it: ``disconnect``, siblings, and the handlers that waiting events wait for."""

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


async def test_siblings_are_the_sockets_of_one_client(running: Any) -> None:
    io = Server()
    io.of("/b")
    async with running(io) as net:
        client = await (await net.connect()).connect("/b")
        await net.connect()
        states = [
            namespace.sockets[client.sids[namespace.name]]._state for namespace in (io.of("/"), io.of("/b"))
        ]
        assert len(io.sockets) == 2
        for state in states:
            assert list(state.siblings) == states


@pytest.mark.parametrize("where", ["connection", "event", "iteration"])
async def test_handlers_at_work_are_named(running: Any, where: str) -> None:
    io = Server(inbox_events=2)
    go_on = trio.Event()

    async def stay(socket: Socket, *args: object) -> None:
        await go_on.wait()

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        if where == "connection":
            await go_on.wait()
        elif where == "iteration":
            async for _ in socket:
                await go_on.wait()

    if where != "iteration":
        io.on("ev", stay)
    expected = {"connection": "connection", "event": "stay", "iteration": "an iteration over events"}[where]
    async with running(io) as net:
        client = await net.connect()
        (socket,) = io.sockets.values()
        await client.emit("ev", 0)
        await wait_all_tasks_blocked()
        assert socket._state.holders() == []  # the inbox is not full
        for number in range(1, 5):
            await client.emit("ev", number)
        await wait_all_tasks_blocked()
        (holder,) = socket._state.holders()
        assert expected in holder
        assert socket._state.handlers_at_work() == [holder]
        go_on.set()


async def test_finish_waits_until_events_are_handled(running: Any, autojump_clock: Any) -> None:
    io = Server()
    done: list[int] = []

    @io.on("ev")
    async def handle(socket: Socket, number: int) -> None:
        await trio.sleep(1)
        done.append(number)

    async with running(io) as net:
        client = await net.connect()
        for number in range(3):
            await client.emit("ev", number)
        await wait_all_tasks_blocked()
        (socket,) = io.sockets.values()
        await socket._state.finish()
        assert done == [0, 1, 2]
