"""Events are held until the connection handlers let them through."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_socketio import (
    Server,
    Socket,
)


@pytest.mark.rows("E24")
async def test_events_are_held_until_the_connection_handlers_return(running: Any) -> None:
    io = Server()
    go_on = trio.Event()
    log: list[str] = []

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        await go_on.wait()
        socket.on("late", log.append)

    @io.on("connect")  # Node's other name for the same
    def other(socket: Socket) -> None:
        log.append("other handler")

    async with running(io) as net:
        client = await net.connect()
        await client.emit("late", "first")
        await client.emit("late", "second")
        await wait_all_tasks_blocked()
        assert log == ["other handler"]
        go_on.set()
        await wait_all_tasks_blocked()
        assert log == ["other handler", "first", "second"]


async def test_ready_lets_events_through_while_the_handler_goes_on(running: Any) -> None:
    io = Server()
    log: list[str] = []

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        log.append("begins")
        socket.ready()
        socket.ready()
        await trio.sleep_forever()

    @io.on("ev")
    async def ev(socket: Socket) -> None:
        log.append("event")

    async with running(io) as net:
        client = await net.connect()
        assert await client.call("ev") == []
    assert log == ["begins", "event"]


async def test_hold_ends_after_hold_timeout(running: Any, autojump_clock: Any) -> None:
    io = Server(hold_timeout=7)
    times: list[float] = []

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        await trio.sleep_forever()

    @io.on("ev")
    async def ev(socket: Socket) -> None:
        times.append(trio.current_time())

    async with running(io) as net:
        start = trio.current_time()
        client = await net.connect()
        await client.call("ev")
    assert 7 <= times[0] - start < 7.2
