"""Iterating over the messages of an Engine.IO socket."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.peers import Transport, each_transport, echoing, only_one, open_peer
from trio.testing import wait_all_tasks_blocked

from trio_socketio import EngineServer, EngineSocket


@pytest.mark.rows("A12")
@each_transport
async def test_handler_added_later_gets_the_messages_that_wait_for_the_iteration(
    running: Any, transport: Transport
) -> None:
    eio = EngineServer(inbox_events=2)
    taken: list[str] = []
    go_on = trio.Event()

    @eio.on("connection")
    async def connection(socket: EngineSocket) -> None:
        async for data in socket:
            taken.append(f"iteration {data}")
            await go_on.wait()

    async with running(eio) as net, trio.open_nursery() as nursery:
        peer = await open_peer(net, transport)
        nursery.start_soon(peer.send, *"01234")
        await wait_all_tasks_blocked()
        assert eio.clients[0]._session.paused
        eio.on("message", lambda socket, data: taken.append(data))
        await wait_all_tasks_blocked()
        assert taken == ["iteration 0", *"1234"]
        go_on.set()


@pytest.mark.rows("A12")
async def test_iterations_share_the_messages_and_end_with_the_session(running: Any) -> None:
    eio = EngineServer()
    taken: list[Any] = []

    async def take(name: str, socket: EngineSocket) -> None:
        async for message in socket:
            taken.append((name, message))
            await trio.lowlevel.checkpoint()
        taken.append((name, "end"))

    async with running(eio) as net, trio.open_nursery() as nursery:
        peer = await open_peer(net, "websocket")
        socket = only_one(eio)
        for name in "xy":
            nursery.start_soon(take, name, socket)
        await wait_all_tasks_blocked()
        await peer.send(*"12345678")
        await wait_all_tasks_blocked()
        assert sorted(message for _, message in taken) == [*"12345678"]
        assert {name for name, _ in taken} == {"x", "y"}
        del taken[:]
        await peer.send("last")
        await peer.close()
        await wait_all_tasks_blocked()
        assert sorted(taken) in [sorted([(one, "last"), ("x", "end"), ("y", "end")]) for one in "xy"]
        assert [message async for message in socket] == []


@pytest.mark.rows("A12")
async def test_handler_gets_messages_before_an_iteration(running: Any) -> None:
    eio = echoing()
    taken: list[Any] = []
    async with running(eio) as net:
        peer = await open_peer(net, "websocket")
        await peer.send("a")
        assert await peer.receive() == "a"
        only_one(eio).on("message", taken.append)
        await peer.send("b")
        await wait_all_tasks_blocked()
        assert taken == ["b"]
