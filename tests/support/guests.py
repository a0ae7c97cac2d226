"""Guests in programs of asyncio: run a test in asyncio, and connect clients inside its guest."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import trio

from support.wire import SioClient, WebSocket
from trio_socketio.guest import Guest

__all__ = ["DEADLINE", "connected", "in_asyncio", "open_client", "port_of", "started"]

#: How long a test may take, in seconds.
DEADLINE = 20.0


def in_asyncio(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test in a loop of asyncio, and fail if it leaves a task behind."""

    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        async def main() -> None:
            async with asyncio.timeout(DEADLINE):
                await test(**fixtures)
            assert asyncio.all_tasks() == {asyncio.current_task()}

        asyncio.run(main())

    return run


def port_of(listeners: list[Any]) -> int:
    """Return the port of the only listener."""
    (listener,) = listeners
    return int(listener.socket.getsockname()[1])


async def open_client(port: int) -> SioClient:
    """Connect a client, in Trio."""
    websocket = WebSocket(await trio.open_tcp_stream("127.0.0.1", port))
    await websocket.open("/socket.io/?EIO=4&transport=websocket")
    return await (await SioClient(websocket).start()).connect()


@asynccontextmanager
async def connected(guest: Guest, port: int | None = None) -> AsyncIterator[SioClient]:
    """Connect a client to the server of a guest, in asyncio: ``async with connected(guest) as client:``.

    The client's methods run in Trio: ``await guest.run(client.event)``.
    """
    client = await guest.run(open_client, port or port_of(guest.listeners))
    stream = client.ws.stream
    assert isinstance(stream, trio.SocketStream)
    try:
        yield client
    finally:
        if trio.lowlevel.in_trio_run():
            stream.socket.close()
        else:
            stream.socket._sock.close()


async def started(function: Callable[..., Awaitable[Any]], *args: Any) -> asyncio.Task[Any]:
    """Start a task of asyncio, and let it run until it waits for the first time."""

    async def call() -> Any:
        return await function(*args)

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    return task
