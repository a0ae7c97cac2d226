"""The queue of messages to publish: its bounds, its order, and tasks that wait for room."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_socketio.adapters.cluster._counters import Counters
from trio_socketio.adapters.cluster._queue import PublishQueue

pytestmark = pytest.mark.rows("I19")


@pytest.fixture
def counters() -> Counters:
    return Counters()


def queue(counters: Counters, packets: int = 3, size: int = 100) -> PublishQueue:
    return PublishQueue(packets, size, counters)


def test_packets_and_bytes_are_bounded(counters) -> None:
    few, small = queue(counters), queue(counters, packets=100)
    assert [few.put("c", b"x") for _ in range(4)] == [True, True, True, False]
    assert [small.put("c", b"x" * 40) for _ in range(3)] == [True, True, False]
    assert (few.packets, few.size_bytes, small.packets, small.size_bytes) == (3, 3, 2, 80)
    assert not few.put_or_drop("c", b"x")
    assert counters.dropped == 1


def test_large_message_is_accepted_by_an_empty_queue(counters) -> None:
    small = queue(counters)
    assert small.put("c", b"x" * 1000)
    assert not small.put("c", b"")


async def test_batches_are_in_order_and_bounded(counters) -> None:
    long = queue(counters, packets=1000, size=10_000_000)
    for number in range(600):
        long.put("c", b"%d" % number)
    taken = []
    for size in (256, 256, 88):
        batch = await long.take()
        assert len(batch) == size
        taken += batch
        long.finish(batch)
    assert taken == [("c", b"%d" % number) for number in range(600)]
    for _ in range(3):
        long.put("c", b"x" * 1_000_000)
    assert len(await long.take()) == 1


async def test_batch_counts_until_it_is_finished(counters) -> None:
    short = queue(counters)
    for _ in range(3):
        short.put("c", b"x")
    batch = await short.take()
    assert not short.put("c", b"x")
    short.finish(batch)
    assert short.put("c", b"x")


async def test_tasks_get_room_in_the_order_of_their_waiting(counters, autojump_clock) -> None:
    short = queue(counters, packets=1)
    short.put("c", b"0")
    results = []

    async def put(number: int) -> None:
        results.append((number, await short.put_waiting("c", b"%d" % number, 10)))

    async with trio.open_nursery() as nursery:
        for number in (1, 2, 3):
            nursery.start_soon(put, number)
            await wait_all_tasks_blocked()
        taken = []
        for _ in range(3):
            batch = await short.take()
            taken += batch
            short.finish(batch)
            assert not short.put("c", b"overtakes")
            await wait_all_tasks_blocked()
    assert [payload for _, payload in taken] == [b"0", b"1", b"2"]
    assert results == [(1, True), (2, True), (3, True)]


async def test_waiting_ends_with_the_timeout_and_with_patience(counters, autojump_clock) -> None:
    short = queue(counters, packets=1)
    short.put("c", b"0")
    assert not await short.put_waiting("c", b"1", 2)
    assert trio.current_time() == 2
    async with trio.open_nursery() as nursery:
        nursery.start_soon(short.put_waiting, "c", b"2", 100)
        await wait_all_tasks_blocked()
        short.is_patient = False
    assert not await short.put_waiting("c", b"3", 100)
    assert trio.current_time() == 2
    assert counters.dropped == 3


def test_heartbeats_have_twice_the_room(counters) -> None:
    short = queue(counters)
    for _ in range(8):
        short.put_urgent("c", b"x")
    assert (short.packets, counters.dropped) == (6, 2)
    assert not short.put("c", b"x")


async def test_abandoned_queue_is_empty_and_counted(counters) -> None:
    short = queue(counters)
    short.put("c", b"1")
    short.put("c", b"2")
    short.abandon()
    await short.drained()
    assert (short.packets, short.size_bytes, counters.dropped) == (0, 0, 2)
