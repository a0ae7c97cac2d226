"""Cancellation at each checkpoint of a connection leaves no task and no object."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from support.descriptors import open_descriptors
from support.leftovers import left_behind
from support.links import Link
from support.wire import Wire
from trio.abc import Instrument

from trio_socketio import EngineRequest, Server, Socket

#: Parts of the names of the server's tasks.
WORDS = ("trio_socketio", "socket", "reactor", "timer", "farewell", "HTTP", "polls", "response", "connection")


class CancelAt(Instrument):
    """Cancels a scope when the server's tasks have been scheduled a given number of times."""

    def __init__(self, scope: trio.CancelScope, steps: int) -> None:
        self.scope = scope
        self.steps = steps

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if any(word in task.name for word in WORDS):
            self.steps -= 1
            if self.steps == 0:
                self.scope.cancel()


async def life_on_websocket(net: Wire) -> None:
    client = await net.connect(auth={"a": 1})
    await client.emit("ev", "x", ack=0)
    await client.receive()
    await client.receive()
    await client.send("30[1]")
    await client.receive()
    await client.ws.close()
    await client.ws.receive()


async def life_on_polling(net: Wire) -> None:
    polling = await (await net.polling()).connect()
    await polling.post('420["ev","x"]')
    await polling.get()
    ws = await polling.upgrade()
    await ws.send("2probe")
    await ws.receive()
    await ws.send("5")
    await ws.send("430[1]")
    await ws.receive()
    await ws.close()


@pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.slow), 7])
@pytest.mark.parametrize("asks", [True, False], ids=["asks", "asks-nothing"])
@pytest.mark.parametrize("life", [life_on_websocket, life_on_polling])
def test_cancellation_at_every_step_leaves_nothing(
    life: Callable[[Wire], Awaitable[None]], link: Link, parser: Any, asks: bool, stride: int
) -> None:
    """At each step, or at each seventh one, which takes a seventh of the time.

    A server that asks no function of the application answers requests on sockets without a task for each connection.
    """
    before, descriptors = left_behind(), open_descriptors()
    steps = 1
    while _run_once(life, link, parser, asks, steps):
        link.close()
        assert open_descriptors() == descriptors, steps
        steps += stride
    assert steps > 15
    assert len(left_behind()) <= len(before)


def _run_once(
    life: Callable[[Wire], Awaitable[None]], link: Link, parser: Any, asks: bool, steps: int
) -> bool:
    """Live once and be cancelled after so many steps; False if life was over before."""

    async def allow(request: EngineRequest) -> None:
        await trio.lowlevel.checkpoint()

    io = Server(disconnect_timeout=0.5, http=parser, allow_request=allow if asks else None)
    begun, ended = [], []

    async def first(request: EngineRequest, go_on: Callable[[], Awaitable[None]]) -> None:
        await go_on()
        await trio.lowlevel.checkpoint()

    if asks:
        io.engine.use(first)

    @io.use
    async def middleware(socket: Socket) -> None:
        await trio.lowlevel.checkpoint()

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        begun.append(socket.id)
        await trio.lowlevel.checkpoint()

    @io.on("ev")
    async def ev(socket: Socket, text: str) -> str:
        socket.nursery.start_soon(trio.sleep_forever)
        await socket.emit("one")
        return str(await socket.call("two"))

    @io.on("disconnect")
    async def gone(socket: Socket) -> None:
        await trio.lowlevel.checkpoint()
        ended.append(socket.id)

    async def main() -> bool:
        with trio.CancelScope() as scope:
            instrument = CancelAt(scope, steps)
            trio.lowlevel.add_instrument(instrument)
            async with trio.open_nursery() as nursery:
                async with io:
                    net = Wire(io, nursery, link)
                    engine = io._require_runtime().engine
                    await life(net)
                    await net.aclose()
                nursery.cancel_scope.cancel()
        trio.lowlevel.remove_instrument(instrument)
        if instrument.steps <= 0:
            assert engine.sessions == {}
            assert len(engine.wheel) == 0
        return instrument.steps <= 0

    cancelled = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert io.sockets == {}
    assert len(io.of("/").sockets) == 0
    assert set(begun) <= set(ended)
    assert len(ended) == len(set(ended))
    gc.collect()
    return cancelled
