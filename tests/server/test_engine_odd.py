"""An Engine.IO server by itself at odd moments: after the end, late, twice at once, and watched."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import trio
from support.peers import Transport, each_transport, open_peer
from trio.testing import wait_all_tasks_blocked

from trio_socketio import EngineObserver, EngineServer, EngineSocket, Server


@pytest.mark.rows("A12")
@each_transport
@pytest.mark.parametrize("is_held", [False, True])
async def test_a_socket_that_is_closed_gets_no_more_messages(
    running: Any, transport: Transport, is_held: bool
) -> None:
    eio = EngineServer()
    taken: list[str] = []
    go_on = trio.Event()

    @eio.on("connection")
    async def connection(socket: EngineSocket) -> None:
        if is_held:
            await go_on.wait()

    @eio.on("message")
    def message(socket: EngineSocket, data: str) -> None:
        taken.append(data)
        socket.close()

    eio.on("message", lambda socket, data: taken.append(f"{data} again"))
    async with running(eio) as net, trio.open_nursery() as nursery:
        peer = await open_peer(net, transport)
        await wait_all_tasks_blocked()
        nursery.start_soon(peer.send, *"abc")
        await wait_all_tasks_blocked()
        go_on.set()
        await wait_all_tasks_blocked()
        assert taken == ["a"]


@pytest.mark.rows("A12")
@each_transport
async def test_a_handler_for_all_sockets_that_comes_late_gets_what_waits(
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
@pytest.mark.parametrize("kind", [EngineServer, Server])
async def test_two_may_drain_at_a_time(running: Any, autojump_clock: Any, kind: Any) -> None:
    server = kind()

    async def take_a_second(*args: object) -> None:
        await trio.sleep(1)

    async with running(server) as net:
        server.on("message", take_a_second)
        if kind is Server:
            await (await net.connect()).emit("message")
        else:
            await (await net.session()).send("x")
        await wait_all_tasks_blocked()
        start = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.drain)
            nursery.start_soon(server.drain)
        assert trio.current_time() - start == 1


@pytest.mark.rows("A12", "C35")
@each_transport
async def test_with_an_observer_nothing_is_left_for_the_collector(running: Any, transport: Transport) -> None:
    eio = EngineServer()
    eio.observer = EngineObserver()
    async with running(eio) as net:
        gc.collect()
        gc.disable()
        try:
            peer = await open_peer(net, transport)
            socket = weakref.ref(eio.clients[0])
            await peer.send("x")
            await wait_all_tasks_blocked()
            await peer.close()
            await wait_all_tasks_blocked()
            assert socket() is None
        finally:
            gc.enable()
