"""A handler that keeps its client from being read for long is named in the log once."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.handlers import Slow

from trio_socketio import EngineServer, EngineSocket, Server, Socket

pytestmark = pytest.mark.rows("P2")


def held(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "has not been read" in record.getMessage()]


@pytest.mark.parametrize("ordering", ["serial", "concurrent"])
async def test_handler_that_keeps_clients_from_being_read_is_named_once(
    running: Any, autojump_clock: Any, caplog: pytest.LogCaptureFixture, ordering: Any
) -> None:
    io = Server(inbox_events=8, ordering=ordering)
    Slow(io)
    async with running(io) as wire:
        for _ in range(3):
            client = await wire.connect()
            for _ in range(9):
                await client.emit("slow")
        await trio.sleep(44)
        assert held(caplog) == []
        await trio.sleep(200)
        (message,) = held(caplog)
        assert "Slow._handle" in message
        assert "45 s" in message


async def test_connection_handler_that_holds_events_is_named(
    running: Any, autojump_clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server(inbox_events=2, hold_timeout=1000)

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        await trio.sleep(500)

    io.on("ev", lambda socket: None)
    async with running(io) as wire:
        client = await wire.connect()
        for _ in range(3):
            await client.emit("ev")
        await trio.sleep(100)
        (message,) = held(caplog)
        assert "connection" in message


async def test_short_handlers_are_not_named(
    running: Any, autojump_clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The client is not read for most of the time, but never for long."""
    io = Server(inbox_events=2)

    @io.on("slow")
    async def slow(socket: Socket) -> None:
        await trio.sleep(10)

    async with running(io) as wire:
        client = await wire.connect()
        for _ in range(30):
            await client.emit("slow")
        with trio.move_on_after(250):
            while True:
                await client.receive()
        assert held(caplog) == []


async def test_message_handler_of_an_engine_is_named(
    running: Any, autojump_clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    io = EngineServer(inbox_events=8)

    @io.on("message")
    async def digest(socket: EngineSocket, data: object) -> None:
        await trio.sleep_forever()

    async with running(io) as wire:
        client = await wire.session()
        for _ in range(9):
            await client.send("x")
        await trio.sleep(100)
        (message,) = held(caplog)
        assert "digest" in message
