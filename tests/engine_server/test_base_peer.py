"""One session of an Engine.IO server, as the owner of its mailbox: its handlers, and the errors that they raise."""

from __future__ import annotations

import time
from typing import Any

import pytest
import trio
from support.peers import Closed, Transport, each_transport, open_peer
from trio.testing import wait_all_tasks_blocked

from trio_socketio import EngineServer, EngineSocket


@pytest.mark.rows("A12")
async def test_close_handlers_may_take_fewer_arguments(running: Any) -> None:
    eio = EngineServer()
    log: list[Any] = []
    eio.on("close", lambda socket: log.append("close"))

    @eio.on("connection")
    def connection(socket: EngineSocket) -> None:
        socket.on("close", log.append)

    async with running(eio) as net:
        peer = await open_peer(net, "websocket")
        await peer.close()
        await wait_all_tasks_blocked()
    assert log == ["close", "transport close"]


@pytest.mark.rows("A12")
@each_transport
@pytest.mark.parametrize("where", ["connection", "plain connection", "message", "plain message", "nursery"])
async def test_exception_of_a_handler_closes_its_socket_alone(
    running: Any, transport: Transport, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    eio = EngineServer()
    ends: list[str] = []

    @eio.on("close")
    def close(socket: EngineSocket, reason: str, description: str) -> None:
        ends.append(f"{reason}: {description}")

    async def fail(*args: object) -> None:
        await trio.lowlevel.checkpoint()
        raise ValueError("mine")

    def fail_at_once(*args: object) -> None:
        raise ValueError("mine")

    @eio.on("message")
    async def message(socket: EngineSocket, data: str) -> None:
        if data != "now":
            await socket.send(data)
        elif where == "nursery":
            socket.nursery.start_soon(fail)
        elif where == "message":
            await fail()
        else:
            fail_at_once()

    async with running(eio) as net:
        other = await open_peer(net, "websocket")
        if where.endswith("connection"):
            eio.on("connection", fail if where == "connection" else fail_at_once)
        if transport == "polling" and where == "plain connection":  # it is over before anything is answered
            answer = await net.http().request("GET", f"{eio.path}?EIO=4&transport=polling")
            assert answer.status == 400
        else:
            peer = await open_peer(net, transport)
            if not where.endswith("connection"):
                await peer.send("now")
            with pytest.raises(Closed):
                await peer.receive()
        await other.send("still here")
        assert await other.receive() == "still here"
        await wait_all_tasks_blocked()
        assert ends == ["forced server close: a handler failed"]
    assert "ValueError: mine" in caplog.text


@pytest.mark.rows("A12")
async def test_exception_of_a_close_handler_is_logged(running: Any, caplog: pytest.LogCaptureFixture) -> None:
    eio = EngineServer()
    log: list[str] = []

    @eio.on("close")
    async def first(socket: EngineSocket) -> None:
        raise ValueError("first")

    @eio.on("close")
    def second(socket: EngineSocket) -> None:
        raise ValueError("second")

    eio.on("close", lambda socket: log.append("third"))
    async with running(eio) as net:
        await (await open_peer(net, "websocket")).close()
        await wait_all_tasks_blocked()
    assert log == ["third"]
    assert "ValueError: first" in caplog.text and "ValueError: second" in caplog.text


@pytest.mark.rows("A12")
async def test_slow_plain_handler_is_named_in_the_log(running: Any, caplog: pytest.LogCaptureFixture) -> None:
    eio = EngineServer()

    @eio.on("message")
    def block_everybody(socket: EngineSocket, data: str) -> None:
        end = time.perf_counter() + 0.11
        while time.perf_counter() < end:
            pass

    async with running(eio) as net:
        await (await open_peer(net, "websocket")).send("x")
        await wait_all_tasks_blocked()
    assert "block_everybody blocked the server for" in caplog.text


@pytest.mark.rows("A12")
@each_transport
@pytest.mark.parametrize("is_held", [False, True])
async def test_closed_socket_handles_no_more_messages(
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
