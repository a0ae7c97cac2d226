"""A turn ends by time: a connection whose packets take long lets other tasks run between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.handlers import burn, counted_turns
from support.reactor import Bench, text
from support.wire import client_frame

from trio_socketio import Server
from trio_socketio._core import Reactor


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench(turn_seconds=0.001)
    yield bench
    bench.close()


@pytest.mark.rows("P13")
@pytest.mark.skipif(Reactor is None, reason="the reactor is for Linux")
def test_a_turn_of_the_reactor_ends_when_its_time_is_over(bench: Bench) -> None:
    peer = bench.peer()
    peer.on_message = lambda message: burn(0.002)
    peer.send(*(text(str(number)) for number in range(5)))
    counts = []
    while bench.turn() or bench.is_ready():
        counts.append(len(peer.log))
    assert counts == [1, 2, 3, 4]
    assert peer.log == [str(number) for number in range(5)]


@pytest.mark.rows("P13", "P18")
@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_other_tasks_run_between_packets_that_take_long(running: Any, transport: str) -> None:
    io = Server()
    io.on("burn", lambda socket: burn(0.002))
    async with running(io) as net:
        if transport == "polling":
            polling = await (await net.polling()).connect()
            async with counted_turns() as turns:
                await polling.post("\x1e".join(['42["burn"]'] * 20))
                assert turns.count >= 20
        else:
            client = await net.connect()
            async with counted_turns() as turns:
                await client.ws.send_raw(
                    client_frame(1, b'42["burn"]') * 19 + client_frame(1, b'420["burn"]')
                )
                assert await client.receive() == "30[]"
                assert turns.count >= 20
