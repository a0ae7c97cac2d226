"""The events of a socket that no handler claims: they go to an iterator, or are dropped."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.logs import warnings
from trio.testing import wait_all_tasks_blocked

from trio_socketio import (
    Event,
    Server,
    Socket,
)


@pytest.mark.parametrize("where", ["connection", "nursery", "elsewhere"])
async def test_iteration_ends_when_the_client_disconnects_while_an_event_waits(
    running: Any, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    io = Server()
    errors: list[Exception] = []
    io.on_error(lambda socket, event, error: errors.append(error))

    async def consume(socket: Socket) -> None:
        async for _ in socket:
            await trio.sleep_forever()

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        if where == "connection":
            await consume(socket)
        else:
            (socket.nursery if where == "nursery" else nursery).start_soon(consume, socket)

    async with running(io) as net:
        client = await net.connect()
        for _ in range(3):
            await client.emit("ev")
        await wait_all_tasks_blocked()
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
        assert io.sockets == {}
    nursery.cancel_scope.cancel()
    assert errors == []
    assert warnings(caplog) == []


async def test_events_are_dropped_after_an_iteration_was_left(running: Any) -> None:
    io = Server()

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        async for event in socket:
            event.ack("the first")
            break

    io.on("sync", lambda socket: "claimed")
    async with running(io) as net:
        client = await net.connect()
        assert await client.call("ev") == ["the first"]
        await client.emit("ev")
        await client.emit("ev")
        assert await client.call("sync", ack=1) == ["claimed"]
        (socket,) = io.sockets.values()
        assert socket.dropped == 2


async def test_iteration_over_a_socket_that_has_ended_ends_at_once(running: Any) -> None:
    io = Server()
    log: list[str] = []

    @io.on("disconnect")
    async def gone(socket: Socket) -> None:
        async for _ in socket:
            raise AssertionError
        log.append("end")

    async with running(io) as net:
        client = await net.connect()
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
        assert log == ["end"]


async def test_iterating_implies_ready_and_yields_unclaimed_events(running: Any) -> None:
    io = Server()
    log: list[Any] = []
    ended = trio.Event()

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        try:
            async for event in socket:
                log.append((event.name, event.args))
                event.ack("taken")
        finally:
            ended.set()

    @io.on("claimed")
    def claimed(socket: Socket) -> str:
        return "claimed"

    async with running(io) as net:
        client = await net.connect()
        assert await client.call("free", 1, 2) == ["taken"]
        assert await client.call("claimed", ack=1) == ["claimed"]
        assert await client.call("free", ack=2) == ["taken"]
        await client.ws.close()
        await ended.wait()
    assert log == [("free", [1, 2]), ("free", [])]
    assert Event._fields == ("name", "args", "ack")


async def test_unclaimed_events_are_dropped_and_counted(running: Any) -> None:
    io = Server()
    io.on("sync", lambda socket: None)
    async with running(io) as net:
        client = await net.connect()
        await client.emit("nobody")
        await client.emit("nobody")
        await client.call("sync")
        (socket,) = io.sockets.values()
        assert socket.dropped == 2
