"""Emitting from other threads with ``from_thread.emit``, which blocks them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import trio
from support.links import Link, only, stuck
from support.outside import Place, between_tasks, in_thread
from support.peers import open_peer
from support.wire import Wire
from trio.testing import wait_all_tasks_blocked

from trio_socketio import (
    Disconnected,
    EngineServer,
    LocalProtocolError,
    Outbox,
    ReservedEventError,
    Server,
    Socket,
)
from trio_socketio._core import Message, PushStatus

pytestmark = pytest.mark.rows("P30", "G19")

EMITTERS: dict[str, Callable[[Server], Any]] = {
    "server": lambda io: io,
    "namespace": lambda io: io.of("/"),
    "operator": lambda io: io.to("room").except_("nowhere"),
    "socket": only,
    "socket operator": lambda io: only(io).compress(False),
    "from a socket": lambda io: io.of("/").local,
}


@pytest.mark.parametrize("emitter", EMITTERS.values(), ids=EMITTERS)
async def test_emit_is_queued_when_it_returns(running: Any, emitter: Callable[[Server], Any]) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        only(io).join("room")
        await only(io).flush()

        def emit() -> None:
            before = only(io)._state.peer.session.link.pushed
            emitter(io).from_thread.emit("first", b"\x01")
            assert only(io)._state.peer.session.link.pushed == before + 1
            emitter(io).from_thread.emit("second", 2)

        await in_thread(emit)
        assert await client.receive() == '51-["first",{"_placeholder":true,"num":0}]'
        assert await client.receive() == b"\x01"
        assert await client.event() == ["second", 2]


async def test_emit_works_in_a_thread_that_trio_did_not_start(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        thread = threading.Thread(target=io.from_thread.emit, args=("hello",))
        thread.start()
        assert await client.event() == ["hello"]
        await in_thread(thread.join)


async def test_emit_from_a_thread_raises_the_errors_of_emit(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        socket = only(io)
        with pytest.raises(ReservedEventError):
            await in_thread(lambda: io.from_thread.emit("connect"))
        with pytest.raises(LocalProtocolError):
            await in_thread(lambda: socket.from_thread.emit("ev", object()))
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
        with pytest.raises(Disconnected):
            await in_thread(lambda: socket.from_thread.emit("ev"))


def fill(socket: Socket) -> None:
    """Queue for a client that does not read until there is no room."""
    link = socket._state.peer.session.link
    while link.send(Message('2["ev"]')) == PushStatus.OK:
        pass


async def test_emit_to_a_socket_waits_for_room(running: Any) -> None:
    io = Server(outbox=Outbox(max_packets=2, policy="block"))
    async with running(io) as net:
        client, socket = await stuck(net)
        fill(socket)
        returned: list[str] = []
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def emit() -> None:
                await in_thread(lambda: socket.from_thread.emit("last"))
                returned.append("last")

            while not socket._state.peer.waiting:
                await trio.lowlevel.checkpoint()
            await wait_all_tasks_blocked()
            assert not returned
            while await client.event() != ["last"]:
                pass
        assert returned == ["last"]


async def in_a_task(function: Callable[[], object]) -> object:
    return function()


@pytest.mark.parametrize("place", [between_tasks, in_a_task])
async def test_emit_raises_on_the_servers_own_thread(running: Any, place: Place) -> None:
    io, eio = Server(), EngineServer()
    async with running(io) as net:
        await net.connect()
        for emitter in (io, io.to("room"), only(io)):
            with pytest.raises(RuntimeError, match=r"own thread: call emit in a .*from_thread\.emit_soon"):
                await place(lambda emitter=emitter: emitter.from_thread.emit("never"))
    async with running(eio) as net:
        await open_peer(net, "websocket")
        with pytest.raises(
            RuntimeError, match=r"own thread: call send in a Trio task, or from_thread\.send_soon"
        ):
            eio.clients[0].from_thread.send("never")


async def test_emit_raises_when_the_server_does_not_run(running: Any) -> None:
    io, eio = Server(), EngineServer()
    for emit in (io.from_thread.emit, io.to([]).from_thread.emit, io.from_thread.emit_soon):
        with pytest.raises(RuntimeError, match="is not running"):
            await in_thread(lambda emit=emit: emit("ev"))
    async with running(io) as net:
        await net.connect()
        socket = only(io)
        runtime = io._require_runtime()
    async with running(eio) as net:
        await open_peer(net, "polling")
        engine_socket = eio.clients[0]
    for call in (
        lambda: io.from_thread.emit("ev"),
        lambda: socket.from_thread.emit("ev"),
        lambda: socket.from_thread.emit_soon("ev"),
        lambda: engine_socket.from_thread.send("ev"),
        lambda: engine_socket.from_thread.send_soon("ev"),
        lambda: runtime.inlet.run_soon(print),
    ):
        with pytest.raises(RuntimeError, match=r"is not running|has stopped"):
            await in_thread(call)


@pytest.mark.parametrize("moment", ["waiting for room", "waiting for the thread"])
async def test_emit_raises_when_the_server_stops_meanwhile(link: Link, moment: str) -> None:
    io = Server(outbox=Outbox(max_packets=2, policy="block"), disconnect_timeout=0.2)
    raised: list[BaseException] = []

    def emit(socket: Socket) -> None:
        try:
            socket.from_thread.emit("ev")
        except BaseException as error:
            raised.append(error)

    async with trio.open_nursery() as nursery:
        async with io:
            net = Wire(io, nursery, link)
            _, socket = await stuck(net)
            fill(socket)
            if moment == "waiting for room":
                nursery.start_soon(trio.to_thread.run_sync, emit, socket)
                while not socket._state.peer.waiting:
                    await trio.lowlevel.checkpoint()
            else:
                thread = threading.Thread(target=emit, args=(socket,))
                thread.start()
                while not io._require_runtime().inlet._calls:
                    pass  # the server's thread is busy, and stops then
        if moment == "waiting for the thread":
            await in_thread(thread.join)
        await net.aclose()
    assert [type(error) for error in raised] == [RuntimeError]
    assert str(raised[0]) == "the server has stopped"
