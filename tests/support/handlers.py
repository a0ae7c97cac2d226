"""Handlers and tasks that many tests use."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio

from support.wire import Polling, SioClient, Wire
from trio_socketio import EngineServer, Namespace, Server, Socket

__all__ = [
    "Slow", "Turns", "answer", "asked", "burn", "counted_turns", "hold_for_3_seconds", "noted_errors", "pending_call",
    "posting",
]  # fmt: skip


class Slow:
    """A handler of the event "slow", which waits until the test sets ``go_on``.

    Attributes:
        go_on: when set, the waiting handlers return, and later ones do not wait.
        begun: the numbers in the events, in the order in which their handlers began.
        done: the same, in the order in which the handlers returned.
    """

    def __init__(self, io: Server | Namespace) -> None:
        self.go_on = trio.Event()
        self.begun: list[int] = []
        self.done: list[int] = []
        io.on("slow", self._handle)

    async def _handle(self, socket: Socket, number: int = 0, *filling: Any) -> None:
        self.begun.append(number)
        await self.go_on.wait()
        self.done.append(number)


async def asked(wire: Wire) -> SioClient:
    """Connect a client for which a ``call`` is pending until it sends ``30["answer"]``."""

    @wire.io.on("go")
    async def go(socket: Socket) -> None:
        await socket.call("ask")

    client = await wire.connect()
    await client.emit("go")
    assert await client.event() == ["ask"]
    return client


async def answer(client: SioClient, *values: Any) -> tuple[int, list[Any]]:
    """Receive one event that asks for an acknowledgement, and send the values.

    Returns:
        The ack id, and the name and the arguments of the event.
    """
    text = str(await client.receive())
    ack_id, _, rest = text[1:].partition("[")
    await client.send(f"3{ack_id}{json.dumps(list(values))}")
    return int(ack_id), json.loads("[" + rest)


def hold_for_3_seconds(io: Server | EngineServer, then: str) -> None:
    """Register a connection handler that holds events or messages for 3 s.

    Args:
        io: the server.
        then: how the handler goes on: "ready" calls ``ready()``, "iteration" iterates, and "returns" returns. With any
            other text, it holds events until the end.
    """

    @io.on("connection")
    async def connection(socket: Any) -> None:
        await trio.sleep(3)
        if then == "ready":
            socket.ready()
        elif then == "iteration":
            async for _ in socket:
                pass
        elif then == "returns":
            return
        await trio.sleep_forever()


@asynccontextmanager
async def pending_call(client: SioClient, socket: Socket) -> AsyncIterator[None]:
    """Keep a ``call`` to a socket of another namespace pending. The client answers it at the end of the block."""
    answers: list[Any] = []

    async def call() -> None:
        answers.append(await socket.call("ask"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(call)
        assert await client.receive() == f'2{socket.nsp.name},0["ask"]'
        yield
        await client.send(f'3{socket.nsp.name},0["answer"]')
    assert answers == ["answer"]


@asynccontextmanager
async def posting(polling: Polling, body: str) -> AsyncIterator[list[str]]:
    """Post in another task. The list receives the text of the response. The block ends when the response has come."""
    answers: list[str] = []

    async def post() -> None:
        answers.append((await polling.post(body)).text)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(post)
        await trio.lowlevel.checkpoint()
        yield answers


class Turns:
    """Counts how often another task ran."""

    count = 0


@asynccontextmanager
async def counted_turns() -> AsyncIterator[Turns]:
    """Run another task that counts its runs, in ``async with counted_turns() as turns:``."""
    turns = Turns()

    async def count() -> None:
        while True:
            await trio.lowlevel.checkpoint()
            turns.count += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(count)
        await trio.lowlevel.checkpoint()
        turns.count = 0
        yield turns
        nursery.cancel_scope.cancel()


def burn(seconds: float) -> None:
    """Take CPU time of this thread."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def noted_errors(io: Server) -> list[tuple[str | float, Exception]]:
    """Return a list to which ``on_error`` appends the event and the error of each failed handler."""
    errors: list[tuple[str | float, Exception]] = []
    io.on_error(lambda socket, event, error: errors.append((event, error)))
    return errors
