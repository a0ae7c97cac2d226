"""The advice in the log for handlers that await libraries of asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support.logs import warnings
from support.peers import Closed, open_peer

from trio_socketio import EngineServer, EngineSocket, Server, Socket

pytestmark = pytest.mark.rows("K10")


async def with_timeout() -> None:
    async with asyncio.timeout(1):
        await asyncio.sleep(1)


async def with_future() -> None:
    loop = asyncio.new_event_loop()
    try:
        await loop.create_future()
    finally:
        loop.close()


@pytest.mark.parametrize(
    "awaited", [lambda: asyncio.sleep(0), lambda: asyncio.sleep(1), with_timeout, with_future]
)
async def test_log_names_run_in_asyncio_if_a_handler_awaits_asyncio(
    running: Any, caplog: pytest.LogCaptureFixture, awaited: Callable[[], Awaitable[None]]
) -> None:
    io = Server()

    @io.on("ev")
    async def ev(socket: Socket) -> None:
        await awaited()

    async with running(io) as net:
        client = await net.connect()
        assert await client.call("ev") == [{"error": "Internal server error"}]
        assert await client.call("ev") == [{"error": "Internal server error"}]
    for line in warnings(caplog):
        assert line.startswith("handler of 'ev' in / failed: ")
        assert "guest.run_in_asyncio" in line


async def test_log_of_an_engine_server_names_it_too(running: Any, caplog: pytest.LogCaptureFixture) -> None:
    eio = EngineServer(path="/socket.io/")

    @eio.on("message")
    async def message(socket: EngineSocket, data: str) -> None:
        await asyncio.sleep(1)

    async with running(eio) as net:
        client = await open_peer(net, "websocket")
        await client.send("hello")
        with pytest.raises(Closed):
            await client.receive()
    (line,) = warnings(caplog)
    assert "guest.run_in_asyncio" in line


@pytest.mark.parametrize("error", [TypeError("mine"), RuntimeError("mine"), ValueError("inside a task")])
async def test_log_of_other_errors_gives_no_advice(
    running: Any, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    io = Server()

    @io.on("ev")
    async def ev(socket: Socket) -> None:
        raise error

    async with running(io) as net:
        client = await net.connect()
        await client.call("ev")
    assert warnings(caplog) == ["handler of 'ev' in / failed"]
