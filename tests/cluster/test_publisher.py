"""Publishing batches: each has its limit of time, whenever the one before it was published."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

import pytest
import trio
from support.memory_bus import Hub, MemoryBus, Message

from trio_socketio.adapters import BusMoved, BusRefused
from trio_socketio.adapters.cluster._counters import Counters
from trio_socketio.adapters.cluster._publisher import SLACK, Publisher
from trio_socketio.adapters.cluster._queue import PublishQueue

pytestmark = pytest.mark.rows("I19")


class SlowBus(MemoryBus):
    """A bus that takes some seconds for each batch."""

    def __init__(self, *seconds: float, publish_timeout: float = inf) -> None:
        super().__init__(Hub())
        self._seconds = list(seconds)
        self.publish_timeout = publish_timeout

    async def publish(self, batch: Sequence[Message]) -> None:
        await trio.sleep(self._seconds.pop(0))


class Publishing:
    """A publisher with a limit of 10 seconds, and the results of its batches."""

    def __init__(self) -> None:
        self.counters = Counters()
        self.queue = PublishQueue(100, 1000, self.counters)
        self.results: list[Any] = []
        self.publisher = Publisher(self.queue, self.counters, 10, self.results.append)


async def test_batch_has_all_its_time_whenever_it_begins(autojump_clock: Any) -> None:
    pauses = [0, 0.3, 0.5, 0.9, 1.1, 5, 9.9, 10, 11, 12, 100, 0, 0]
    parts = Publishing()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(parts.publisher.run, SlowBus(*[10] * len(pauses)))
        for pause in pauses:
            await trio.sleep(pause)
            parts.queue.put("c", b"x")
            await parts.queue.drained()
        nursery.cancel_scope.cancel()
    assert (parts.counters.published, parts.counters.unconfirmed) == (len(pauses), 0)
    assert trio.current_time() == pytest.approx(sum(pauses) + 10 * len(pauses))


@pytest.mark.parametrize("publish_timeout", [3, inf])
@pytest.mark.parametrize("pause", [0, 0.2, 0.4, 0.8, 1.5, 20])
async def test_batch_that_takes_too_long_ends_the_link(
    pause: float, publish_timeout: float, autojump_clock: Any
) -> None:
    parts = Publishing()
    limit = min(publish_timeout, 10)

    async def run() -> None:
        bus = SlowBus(0, inf, publish_timeout=publish_timeout)
        with pytest.raises(trio.TooSlowError, match=f"not taken messages within {limit:g} s"):
            await parts.publisher.run(bus)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        parts.queue.put("c", b"x")
        await parts.queue.drained()
        await trio.sleep(pause)
        began = trio.current_time()
        parts.queue.put("c", b"x")
    assert limit <= trio.current_time() - began <= limit * SLACK + 1e-6
    assert (parts.counters.published, parts.counters.unconfirmed) == (1, 1)
    assert parts.queue.packets == 0


async def test_refused_messages_are_counted_and_reported(autojump_clock: Any) -> None:
    parts = Publishing()
    refusals = [BusRefused("some", 1), BusRefused("all")]

    class RefusingBus(SlowBus):
        async def publish(self, batch: Sequence[Message]) -> None:
            raise refusals[len(parts.results)]

    async with trio.open_nursery() as nursery:
        nursery.start_soon(parts.publisher.run, RefusingBus())
        for _ in refusals:
            for _ in range(3):
                parts.queue.put("c", b"x")
            await parts.queue.drained()
            await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert parts.results == refusals
    assert (parts.counters.dropped, parts.counters.published) == (1 + 3, 2)


class MovedBus(MemoryBus):
    """A bus that does not take the last messages of a batch, and must be renewed."""

    def __init__(self, refused: int) -> None:
        super().__init__(Hub())
        self._refused = refused
        self.taken: list[Message] = []

    async def publish(self, batch: Sequence[Message]) -> None:
        await trio.lowlevel.checkpoint()
        self.taken += batch[: len(batch) - self._refused]
        if self._refused:
            raise BusMoved("read-only", self._refused)


async def moved(parts: Publishing, refused: int) -> None:
    """Publish two messages on a bus that refuses one or both, and put another one into the queue."""
    for content in (b"1", b"2"):
        parts.queue.put("c", content)
    with pytest.raises(BusMoved, match="read-only"):
        await parts.publisher.run(MovedBus(refused))
    parts.queue.put("c", b"3")


@pytest.mark.parametrize(("refused", "expected"), [(1, [b"3"]), (2, [b"1", b"2", b"3"])])
async def test_batch_that_was_not_taken_comes_first_on_the_next_link(
    refused: int, expected: list[bytes]
) -> None:
    parts, bus = Publishing(), MovedBus(0)
    await moved(parts, refused)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(parts.publisher.run, bus)
        await parts.queue.drained()
        nursery.cancel_scope.cancel()
    assert [content for _, content in bus.taken] == expected
    counters = parts.counters
    assert (counters.published, counters.unconfirmed) == (len(expected), 3 - len(expected))


async def test_stop_drops_a_batch_that_was_not_taken() -> None:
    parts = Publishing()
    await moved(parts, 2)
    parts.publisher.abandon()
    parts.queue.abandon()
    assert (parts.counters.dropped, parts.counters.unconfirmed, parts.queue.packets) == (3, 0, 0)
