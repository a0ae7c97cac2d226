"""``Disconnected`` is silent only in handlers and tasks that end with their own client."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.handlers import noted_errors
from support.logs import warnings
from support.peers import open_peer
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Disconnected, EngineServer, EngineSocket, Server, Socket


@pytest.mark.rows("P31")
@pytest.mark.parametrize("kind", ["async", "plain"])
async def test_emit_in_a_middleware_is_an_error(
    running: Any, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    io = Server()
    errors = noted_errors(io)

    async def asynchronous(socket: Socket) -> None:
        await socket.emit("early")

    io.use(asynchronous if kind == "async" else lambda socket: socket.emit_nowait("early"))
    async with running(io) as net:
        client = await net.session()
        await client.send("0")
        assert await client.receive() == '4{"message":"Internal server error"}'
    ((event, error),) = errors
    assert event == "connection"
    assert isinstance(error, Disconnected)
    assert "not connected yet" in str(error)
    assert len(warnings(caplog)) == 1


@pytest.mark.rows("P31")
@pytest.mark.parametrize("event", ["disconnecting", "disconnect"])
@pytest.mark.parametrize("kind", ["async", "plain", "nursery", "own"])
async def test_emit_in_a_disconnect_handler_is_an_error(
    running: Any, caplog: pytest.LogCaptureFixture, event: str, kind: str
) -> None:
    io = Server()
    errors = noted_errors(io)

    async def asynchronous(socket: Socket) -> None:
        await socket.emit("late")

    async def start(socket: Socket) -> None:
        socket.nursery.start_soon(trio.sleep, 0)

    def register(socket: Socket) -> None:
        socket.on(event, lambda: socket.emit_nowait("late"))

    if kind == "own":
        io.on("connection", register)
    else:
        handlers = {"async": asynchronous, "nursery": start}
        io.on(event, handlers.get(kind, lambda socket: socket.emit_nowait("late")))
    async with running(io) as net:
        client = await net.connect()
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
    ((noted_event, error),) = errors
    assert noted_event == event
    assert isinstance(error, Disconnected)
    assert len(warnings(caplog)) == 1


@pytest.mark.rows("P31")
@pytest.mark.parametrize("where", ["event", "connection", "nursery", "any"])
@pytest.mark.parametrize("tasks", [1, 3])
async def test_disconnected_is_silent_in_handlers_and_tasks_of_its_socket(
    running: Any, caplog: pytest.LogCaptureFixture, where: str, tasks: int
) -> None:
    io = Server()
    errors = noted_errors(io)
    gone = trio.Event()

    async def emit(socket: Socket) -> None:
        with trio.CancelScope(shield=True):
            await gone.wait()
        socket.emit_nowait("late")
        raise AssertionError

    async def handler(socket: Socket, *args: object) -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(tasks):
                nursery.start_soon(emit, socket)

    async def start(socket: Socket) -> None:
        for _ in range(tasks):
            socket.nursery.start_soon(emit, socket)

    if where == "any":
        io.on_any(handler)
    else:
        io.on("connection" if where == "connection" else "ev", start if where == "nursery" else handler)
    async with running(io) as net:
        client = await net.connect()
        if where != "connection":
            await client.emit("ev")
        await wait_all_tasks_blocked()
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
        gone.set()
        await wait_all_tasks_blocked()
        assert io._require_runtime().workers.mailboxes == 0
    assert errors == []
    assert warnings(caplog) == []


@pytest.mark.rows("P31")
async def test_other_errors_in_a_group_with_disconnected_are_reported(
    running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server()
    errors = noted_errors(io)

    async def fail(socket: Socket, error: Exception) -> None:
        socket.disconnect()
        raise error

    @io.on("ev")
    async def ev(socket: Socket) -> None:
        for error in (Disconnected("gone"), ValueError("mine"), Disconnected("gone")):
            socket.nursery.start_soon(fail, socket, error)

    async with running(io) as net:
        client = await net.connect()
        await client.emit("ev")
        assert await client.receive() == "1"
        await wait_all_tasks_blocked()
    ((event, error),) = errors
    assert (event, str(error)) == ("nursery", "mine")
    assert len(warnings(caplog)) == 1


@pytest.mark.rows("P31")
async def test_emit_to_another_ended_socket_is_an_error(running: Any) -> None:
    io = Server()
    errors = noted_errors(io)
    gone: list[Socket] = []
    io.on("connection", gone.append)

    @io.on("ev")
    async def ev(socket: Socket) -> None:
        await gone[0].emit("late")

    async with running(io) as net:
        first, second = await net.connect(), await net.connect()
        await first.ws.stream.aclose()
        await wait_all_tasks_blocked()
        assert await second.call("ev") == [{"error": "Internal server error"}]
    assert [event for event, _ in errors] == ["ev"]


@pytest.mark.rows("P31")
@pytest.mark.parametrize("kind", ["async", "plain", "own"])
async def test_send_in_a_close_handler_is_an_error(
    running: Any, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    eio = EngineServer()

    async def asynchronous(socket: EngineSocket) -> None:
        await socket.send("late")

    def register(socket: EngineSocket) -> None:
        socket.on("close", lambda: socket.send_nowait("late"))

    if kind == "own":
        eio.on("connection", register)
    else:
        eio.on("close", asynchronous if kind == "async" else lambda socket: socket.send_nowait("late"))
    async with running(eio) as net:
        peer = await open_peer(net, "websocket")
        await peer.close()
        await wait_all_tasks_blocked()
    (warning,) = warnings(caplog)
    assert "handler of 'close' failed" in warning


@pytest.mark.rows("P31")
async def test_disconnected_is_silent_in_tasks_of_an_engine_socket(
    running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    eio = EngineServer()

    async def send(socket: EngineSocket) -> None:
        socket.close()
        socket.send_nowait("late")

    @eio.on("message")
    async def message(socket: EngineSocket, data: str) -> None:
        for _ in range(3):
            socket.nursery.start_soon(send, socket)

    async with running(eio) as net:
        peer = await open_peer(net, "websocket")
        await peer.send("go")
        await wait_all_tasks_blocked()
        await peer.close()
    assert warnings(caplog) == []
