"""Stopping, draining and cancelling a running Engine.IO server."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import trio
from support.descriptors import open_descriptors
from support.leftovers import left_behind
from support.links import Link
from support.peers import Closed, Transport, each_transport, open_peer
from support.wire import SioClient, WebSocket, Wire
from trio.testing import wait_all_tasks_blocked

from trio_socketio import EngineServer, EngineSocket, Server


@pytest.mark.rows("A12", "H1")
@each_transport
async def test_stop_cancels_handlers_and_then_runs_close_handlers(
    link: Link, autojump_clock: Any, transport: Transport
) -> None:
    eio = EngineServer(disconnect_timeout=3)
    log: list[Any] = []

    @eio.on("connection")
    async def connection(socket: EngineSocket) -> None:
        try:
            await trio.sleep_forever()
        finally:
            log.append("connection ends")

    @eio.on("message")
    async def message(socket: EngineSocket, data: str) -> None:
        try:
            await trio.sleep_forever()
        finally:
            log.append("message ends")

    @eio.on("close")
    async def close(socket: EngineSocket, reason: str) -> None:
        log.append(reason)
        assert not socket.connected
        await trio.sleep(1)
        log.append(trio.current_time() - start)
        await trio.sleep(60)
        log.append("never")

    async with trio.open_nursery() as nursery:
        async with eio:
            wire = Wire(eio, nursery, link)
            peer = await open_peer(wire, transport)
            (socket,) = eio.clients
            socket.ready()
            await peer.send("x")
            await wait_all_tasks_blocked()
            await wire.aclose()
            start = trio.current_time()
        nursery.cancel_scope.cancel()
    assert sorted(log[:2]) == ["connection ends", "message ends"]
    reason = "transport close" if transport == "websocket" else "server shutting down"
    assert log[2:] == [reason, pytest.approx(1)]


@pytest.mark.rows("A12")
@each_transport
async def test_handlers_and_tasks_end_with_their_client(running: Any, transport: Transport) -> None:
    eio = EngineServer()
    ended: list[str] = []

    async def stay(name: str) -> None:
        try:
            await trio.sleep_forever()
        finally:
            ended.append(name)

    @eio.on("connection")
    async def connection(socket: EngineSocket) -> None:
        socket.nursery.start_soon(stay, "task")
        await stay("connection")

    eio.on("close", lambda socket: ended.append("close"))
    async with running(eio) as net:
        peer = await open_peer(net, transport)
        await wait_all_tasks_blocked()
        await peer.aclose()
        await wait_all_tasks_blocked()
        assert sorted(ended[:2]) == ["connection", "task"]
        assert ended[2:] == ["close"]
        assert eio.clients_count == 0


@pytest.mark.rows("A12", "H1")
async def test_drain_handles_waiting_messages_and_writes_the_answers(
    running: Any, autojump_clock: Any
) -> None:
    eio = EngineServer()
    seen: list[Any] = []

    @eio.on("message")
    async def message(socket: EngineSocket, data: str) -> None:
        await trio.sleep(1)
        await socket.send(f"{data} is done")

    eio.on("close", lambda socket, reason: seen.append(reason))
    async with running(eio) as net, trio.open_nursery() as nursery:
        peer = await open_peer(net, "websocket")
        await peer.send("a", "b")
        await wait_all_tasks_blocked()
        nursery.start_soon(eio.drain)
        await wait_all_tasks_blocked()
        assert (await net.http().request("GET", "/engine.io/?EIO=4&transport=polling")).status == 503
        assert [await peer.receive(), await peer.receive()] == ["a is done", "b is done"]
        with pytest.raises(Closed, match="1001"):
            await peer.receive()
        assert seen == ["server shutting down"]


@pytest.mark.rows("A12")
async def test_drain_waits_for_iterations_and_held_messages(running: Any, autojump_clock: Any) -> None:
    eio = EngineServer(hold_timeout=4)

    @eio.on("connection")
    async def connection(socket: EngineSocket) -> None:
        await trio.sleep(2)
        if "iterates" in socket.request.query:
            async for message in socket:
                await socket.send(message)
        await trio.sleep_forever()

    async with running(eio) as net:
        iterates, holds = await net.session("&iterates=1"), await net.session()
        for client in (iterates, holds):
            await client.send("x")
        await wait_all_tasks_blocked()
        start = trio.current_time()
        await eio.drain()
        assert trio.current_time() - start == pytest.approx(
            4
        )  # then the message is not held any more, and there is no handler for it
        assert await iterates.receive() == "x"


@pytest.mark.rows("A12")
def test_cancellation_leaves_nothing(link: Link) -> None:
    before = left_behind()  # by other tests
    eio = EngineServer()

    @eio.on("connection")
    async def connection(socket: EngineSocket) -> None:
        socket.nursery.start_soon(trio.sleep_forever)
        async for message in socket:
            await socket.send(message)

    async def main() -> None:
        async with trio.open_nursery() as outside:
            with trio.CancelScope() as scope:
                async with eio, trio.open_nursery() as nursery:
                    wire = Wire(eio, outside, link)
                    for transport in ("polling", "websocket"):
                        peer = await open_peer(wire, transport)  # type: ignore[arg-type]
                        await peer.send("x")
                        assert await peer.receive() == "x"
                    nursery.start_soon(trio.sleep_forever)
                    await wire.aclose()
                    scope.cancel()
            assert scope.cancelled_caught
            outside.cancel_scope.cancel()

    trio.run(main)
    link.close()
    assert [thing for thing in left_behind() if thing not in before] == []


@pytest.mark.rows("A12", "H1")
@pytest.mark.parametrize("kind", [EngineServer, Server])
async def test_started_and_stopped_a_hundred_times_on_one_port(kind: Any) -> None:
    before = left_behind()
    io = kind(disconnect_timeout=1)
    port = 0
    after_the_first: Any = None
    for _ in range(100):
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(io.serve, "127.0.0.1", port)
            port = listeners[0].socket.getsockname()[1]
            stream = await trio.open_tcp_stream("127.0.0.1", port)
            ws = await WebSocket(stream).open(f"{io.path}?EIO=4&transport=websocket")
            await SioClient(ws).start()
            assert io.health().clients_count == 1
            await ws.stream.aclose()
            nursery.cancel_scope.cancel()
        tasks = trio.lowlevel.current_statistics().tasks_living
        state = tasks, len(open_descriptors())
        after_the_first = after_the_first or state
        assert state == after_the_first
    assert [thing for thing in left_behind() if thing not in before] == []


@pytest.mark.rows("A12")
@each_transport
async def test_server_whose_application_keeps_sockets_is_freed(link: Link, transport: Transport) -> None:
    def make() -> EngineServer:
        eio = EngineServer()
        kept: list[EngineSocket] = []  # which the handler refers to, and the sockets to their server
        eio.on("connection", kept.append)
        return eio

    eio = make()
    async with trio.open_nursery() as nursery:
        async with eio:
            wire = Wire(eio, nursery, link)
            peer = await open_peer(wire, transport)
            socket = weakref.ref(eio.clients[0])
            await peer.close()
            await wire.aclose()
            await wait_all_tasks_blocked()
            assert socket() is not None
        nursery.cancel_scope.cancel()
    del eio, wire, peer
    gc.collect()
    assert socket() is None


@pytest.mark.rows("A12")
@pytest.mark.parametrize("kind", [EngineServer, Server])
async def test_drain_may_be_called_twice_at_a_time(running: Any, autojump_clock: Any, kind: Any) -> None:
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
