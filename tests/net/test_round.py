"""Waiting for a flush: until what was dirty was offered to the kernel once, whatever becomes dirty meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trio
from support.links import only
from support.reactor import Bench
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server
from trio_socketio._core import Message, Reactor
from trio_socketio.net._round import Rounds

pytestmark = pytest.mark.skipif(Reactor is None, reason="the reactor runs on Linux only")


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench(turn_seconds=1e-6)
    yield bench
    bench.close()


def always_dirty(bench: Bench, count: int) -> Callable[[], None]:
    """A step that makes all connections dirty again, after a turn that flushes one of them, or a few."""
    peers = [bench.peer() for _ in range(count)]

    def step() -> None:
        for peer in peers:
            peer.link.send(Message("x"))
        bench.reactor.turn(0.0)

    step()
    return step


@pytest.mark.rows("P12")
def test_a_round_ends_while_connections_become_dirty_again(bench: Bench) -> None:
    step = always_dirty(bench, 20)
    assert bench.reactor.has_dirty
    bench.reactor.begin_round()
    for _ in range(1_000):
        step()
    assert bench.reactor.has_dirty
    assert not bench.reactor.in_round


@pytest.mark.rows("P12")
def test_a_round_ends_when_its_connections_are_removed(bench: Bench) -> None:
    peers = [bench.peer() for _ in range(3)]
    for peer in peers:
        peer.link.send(Message("x"))
    bench.reactor.begin_round()
    for peer in peers:
        bench.reactor.remove(peer.link)
    for _ in range(100):
        bench.reactor.turn(0.0)
    assert not bench.reactor.in_round


@pytest.mark.rows("P12")
async def test_a_flush_is_not_starved_by_a_task_that_goes_on_sending(bench: Bench, mock_clock: Any) -> None:
    step = always_dirty(bench, 20)
    rounds = Rounds(bench.reactor)
    waited = 0

    async def go_on() -> None:
        for _ in range(10_000):
            step()
            assert bench.reactor.has_dirty
            rounds.turned()
            await trio.lowlevel.checkpoint()
        raise AssertionError("the flush is starved")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(go_on)
        for _ in range(8):
            async with trio.open_nursery() as several:
                several.start_soon(rounds.wait)
                several.start_soon(rounds.wait)
            waited += 1
        nursery.cancel_scope.cancel()
    assert waited == 8


@pytest.mark.rows("P12")
async def test_a_flush_takes_a_second_at_most(bench: Bench, autojump_clock: Any) -> None:
    always_dirty(bench, 20)
    rounds = Rounds(bench.reactor)
    start = trio.current_time()
    await rounds.wait()
    assert trio.current_time() - start == pytest.approx(1.0)


@pytest.mark.rows("P12")
async def test_a_cancelled_flush_returns_at_once_and_the_next_checkpoint_raises(bench: Bench) -> None:
    always_dirty(bench, 20)
    rounds = Rounds(bench.reactor)
    reached: list[str] = []
    with trio.CancelScope() as scope:
        scope.cancel()
        await rounds.wait()
        reached.append("returned")
        await trio.lowlevel.checkpoint()
        reached.append("went on")
    assert reached == ["returned"]
    assert scope.cancelled_caught
    rounds.turned()
    rounds.close()  # the task that has gone is not woken


@pytest.mark.rows("P12")
async def test_what_was_broadcast_when_the_emit_is_cancelled_is_counted_as_sent(running: Any) -> None:
    io = Server()
    returned = 0
    async with running(io) as net:
        client = await net.connect()
        for number in range(100):
            with trio.CancelScope() as scope:
                trio.lowlevel.current_trio_token().run_sync_soon(scope.cancel)
                await io.emit("n", number)
                returned += 1
        for number in range(returned):
            assert await client.event() == ["n", number]
        await wait_all_tasks_blocked()
        assert only(io).connected
