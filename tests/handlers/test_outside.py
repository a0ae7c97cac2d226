"""Plain methods raise outside a Trio task before they change anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
from support.links import only
from support.outside import PLACES, Place
from support.peers import open_peer
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Ack, EngineServer, Server, Socket

pytestmark = pytest.mark.rows("P30")

EMITS: dict[str, Callable[[Server], Callable[..., None]]] = {
    "server": lambda io: io.emit_nowait,
    "namespace": lambda io: io.of("/").emit_nowait,
    "operator": lambda io: io.to("room").volatile.emit_nowait,
    "socket": lambda io: only(io).emit_nowait,
    "socket operator": lambda io: only(io).compress(False).emit_nowait,
}


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Place:
    return PLACES[request.param]


@pytest.mark.rows("G19")
@pytest.mark.parametrize("emit", EMITS.values(), ids=EMITS)
async def test_emit_nowait_raises_before_it_queues_and_names_the_way(
    running: Any, place: Place, emit: Callable[[Server], Callable[..., None]]
) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        socket = only(io)
        socket.join("room")
        await socket.flush()
        pushed = socket.conn.buffered, socket._state.peer.session.link.pushed
        with pytest.raises(RuntimeError, match=r"from_thread\.emit\b.*from_thread\.emit_soon\b"):
            await place(lambda: emit(io)("lost"))
        assert (socket.conn.buffered, socket._state.peer.session.link.pushed) == pushed
        for number in range(3):  # the flusher is whole: each is written without anything else to wake it
            emit(io)("later", number)
            assert await client.event() == ["later", number]


@pytest.mark.rows("G19")
async def test_await_emit_outside_a_task_names_the_way(running: Any, place: Place) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        for emitter in (io, io.to(only(io).id), only(io), only(io).volatile):

            def step(emitter: Any = emitter) -> None:
                emitter.emit("lost").send(None)

            with pytest.raises(RuntimeError, match=r"from_thread\.emit\b.*from_thread\.emit_soon\b"):
                await place(step)
        await io.emit("mark")
        assert await client.event() == ["mark"]


async def test_await_call_outside_a_task_names_the_way(running: Any, place: Place) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        for call in (only(io).call, only(io).volatile.call, lambda event: io.call(event, timeout=1)):

            def step(call: Any = call) -> None:
                call("lost").send(None)

            with pytest.raises(
                RuntimeError, match=r"call was called outside a Trio task.*trio\.from_thread\.run\b"
            ):
                await place(step)
        await io.emit("mark")
        assert await client.event() == ["mark"]


def changes(socket: Socket, ack: Ack) -> dict[str, Callable[[], object]]:
    """Plain methods that change Trio's state, or what tasks of the server rely on."""
    return {
        "join": lambda: socket.join("other"),
        "leave": lambda: socket.leave("room"),
        "disconnect": socket.disconnect,
        "disconnect and close": lambda: socket.disconnect(close=True),
        "ready": socket.ready,
        "iterate": socket.__aiter__,
        "start a task": lambda: socket.nursery.start_soon(trio.sleep_forever),
        "the scope of tasks": lambda: socket.nursery.cancel_scope,
        "acknowledge": lambda: ack("lost"),
        "close the session": socket.conn.close,
        "listen to the session": lambda: socket.conn.on("drain", lambda: None),
    }


async def test_other_plain_methods_raise_before_they_change_anything(running: Any, place: Place) -> None:
    io = Server()
    acks: list[Ack] = []

    @io.on("keep")
    def keep(socket: Socket, ack: Ack) -> None:
        acks.append(ack)

    async with running(io) as net:
        client = await net.connect()
        await client.emit("keep", ack=5)
        await client.emit("keep")
        socket = only(io)
        socket.join("room")
        await io.to("room").emit("mark")
        assert await client.event() == ["mark"]
        for name, change in changes(socket, acks[0]).items():
            with pytest.raises(RuntimeError, match=r"outside a Trio task.*trio\.from_thread\.run_sync"):
                await place(change)
            assert socket.connected, name
        assert socket.rooms == {socket.id, "room"}
        assert acks[0].wanted
        acks[0]("kept")
        assert await client.receive() == '35["kept"]'
        socket.disconnect()


async def test_methods_of_an_engine_socket_raise_before_they_change_anything(
    running: Any, place: Place
) -> None:
    eio = EngineServer()
    seen: list[str | bytes] = []
    async with running(eio) as net:
        peer = await open_peer(net, "websocket")
        (socket,) = eio.clients
        attempts: list[Callable[[], object]] = [
            socket.close,
            socket.ready,
            socket.__aiter__,
            lambda: socket.on("message", seen.append),
            lambda: socket.on("drain", lambda: None),
            lambda: socket.nursery.start_soon(trio.sleep_forever),
            lambda: eio.on("message", lambda socket, data: None),
        ]
        for attempt in attempts:
            with pytest.raises(RuntimeError, match=r"outside a Trio task.*trio\.from_thread\.run_sync"):
                await place(attempt)
        for send in (lambda: socket.send_nowait("lost"), lambda: socket.send("lost").send(None)):
            with pytest.raises(RuntimeError, match=r"from_thread\.send\b.*from_thread\.send_soon\b"):
                await place(send)
        assert socket.connected
        assert socket.buffered == 0
        socket.send_nowait("mark")
        assert await peer.receive() == "mark"


async def test_an_iterator_of_events_may_be_collected_outside_a_task(running: Any, place: Place) -> None:
    """The cyclic collector runs the finalizer in the thread that calls the collector."""
    io = Server()

    @io.on("claimed")
    def claimed(socket: Socket) -> str:
        return "yes"

    async with running(io) as net:
        client = await net.connect()
        socket = only(io)
        iterators = [aiter(socket)]
        await client.emit("unclaimed")
        await wait_all_tasks_blocked()  # the event waits for the iterator
        await place(iterators.clear)
        assert await client.call("claimed") == ["yes"]
        assert socket.dropped == 1


async def test_an_iterator_of_messages_may_be_collected_outside_a_task(running: Any, place: Place) -> None:
    eio = EngineServer()
    async with running(eio) as net:
        peer = await open_peer(net, "websocket")
        (socket,) = eio.clients
        iterators = [aiter(socket)]
        await peer.send("waiting")
        await wait_all_tasks_blocked()
        await place(iterators.clear)
        await wait_all_tasks_blocked()
        assert socket.dropped == 1


def test_handlers_are_registered_anywhere() -> None:
    """Before it runs, a server is set up at the top of a module."""
    io, eio = Server(), EngineServer()
    io.on("ev", lambda socket: None)
    io.of("/n").on_any(lambda socket, name: None)
    eio.on("message", lambda socket, data: None)
    eio.on("connection", lambda socket: None)
    assert eio.clients == []
