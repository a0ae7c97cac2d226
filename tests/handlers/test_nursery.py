"""The nursery of a socket: it opens at its first use, and its tasks end with the socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_socketio import (
    ConnectRefused,
    Disconnected,
    Server,
    Socket,
)


def ending(log: list[str]) -> Callable[[], Any]:
    async def task() -> None:
        try:
            await trio.sleep_forever()
        finally:
            log.append("ended")

    return task


async def test_tasks_of_a_refused_socket_end(running: Any) -> None:
    io = Server()
    log: list[str] = []

    @io.use
    async def no(socket: Socket) -> None:
        socket.nursery.start_soon(ending(log))
        await wait_all_tasks_blocked()
        raise ConnectRefused("no")

    async with running(io) as net:
        client = await net.session()
        await client.send("0")
        await client.receive()
        await wait_all_tasks_blocked()
        assert log == ["ended"]
        (session,) = io._require_runtime().engine.sessions.values()
        assert session.is_open


@pytest.mark.parametrize("used_before", [False, True])
async def test_socket_that_has_ended_takes_no_tasks(running: Any, used_before: bool) -> None:
    io = Server()
    log: list[str] = []

    @io.on("connection")
    def connection(socket: Socket) -> None:
        if used_before:
            socket.nursery.start_soon(ending([]))

    @io.on("disconnect")
    async def gone(socket: Socket) -> None:
        with pytest.raises(Disconnected, match="does not accept new tasks"):
            socket.nursery.start_soon(ending([]))
        with pytest.raises(Disconnected, match="does not accept new tasks"):
            await socket.nursery.start(ending([]))
        log.append("refused")

    async with running(io) as net:
        client = await net.connect()
        await wait_all_tasks_blocked()
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
    assert log == ["refused"]


@pytest.mark.parametrize("ordering", ["serial", "concurrent"])
async def test_nursery_that_was_cancelled_is_opened_anew(running: Any, ordering: Any) -> None:
    io = Server(ordering=ordering)
    log: list[str] = []

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        socket.nursery.start_soon(ending(log))
        socket.ready()
        await trio.sleep_forever()

    @io.on("ask")
    async def ask(socket: Socket) -> str:
        return "answer"

    async with running(io) as net:
        client = await net.connect()
        (socket,) = io.sockets.values()
        await wait_all_tasks_blocked()
        socket.nursery.cancel_scope.cancel()
        await wait_all_tasks_blocked()
        assert log == ["ended"]
        assert await client.call("ask") == ["answer"]
        socket.nursery.start_soon(ending(log))
        await wait_all_tasks_blocked()
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
    assert log == ["ended", "ended"]


@pytest.mark.parametrize("turns", range(5))
async def test_nursery_takes_tasks_while_it_is_cancelled(running: Any, turns: int) -> None:
    io = Server()
    log: list[str] = []
    async with running(io) as net:
        await net.connect()
        (socket,) = io.sockets.values()
        socket.nursery.start_soon(trio.sleep_forever)
        await wait_all_tasks_blocked()
        socket.nursery.cancel_scope.cancel()
        for _ in range(turns):
            await trio.lowlevel.checkpoint()
        socket.nursery.start_soon(ending(log))
        await wait_all_tasks_blocked()
        socket.disconnect()
        await wait_all_tasks_blocked()
    assert log == ["ended"]


async def test_start_returns_the_value_of_started(running: Any) -> None:
    io = Server()
    log: list[Any] = []

    async def child(*, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started("started")
        await trio.sleep_forever()

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        log.append(await socket.nursery.start(child))
        socket.nursery.start_soon(child, name="a child")
        assert socket.nursery.cancel_scope is socket.nursery.cancel_scope

    async with running(io) as net:
        client = await net.connect()
        await wait_all_tasks_blocked()
        assert log == ["started"]
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
        assert io.sockets == {}


@pytest.mark.rows("P15")
async def test_nursery_that_is_cancelled_while_it_opens_cancels_its_tasks(running: Any) -> None:
    io = Server()
    log: list[str] = []

    async def task() -> None:
        try:
            await trio.sleep_forever()
        finally:
            log.append("cancelled")

    @io.on("connection")
    def connection(socket: Socket) -> None:
        for _ in range(3):
            socket.nursery.start_soon(task)
        socket.nursery.cancel_scope.cancel()

    async with running(io) as net:
        await net.connect()
        await wait_all_tasks_blocked()
        assert log == ["cancelled"] * 3
