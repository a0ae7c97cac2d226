"""What waits to be sent to one other worker."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf
from typing import Any

import pytest
import trio
from support.descriptors import no_descriptor_left, no_leak
from trio.testing import wait_all_tasks_blocked

from trio_socketio.workers._outgoing import QUEUE_PACKETS, UNREAD_BYTES, Kind, Outgoing
from trio_socketio.workers._packet import BadPacket, close_all
from trio_socketio.workers._pair import Pair

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: memfd and /proc")

LARGE = bytes(UNREAD_BYTES // 4)


@asynccontextmanager
async def outgoing() -> AsyncIterator[tuple[Outgoing, Pair]]:
    """Run an ``Outgoing``, and return it with the other worker's end of the pair."""
    with no_leak():
        ours, theirs = Pair.make(UNREAD_BYTES)
        async with trio.open_nursery() as nursery:
            made = Outgoing(ours)
            nursery.start_soon(made.run)
            yield made, theirs
            nursery.cancel_scope.cancel()
        ours.close()
        theirs.close()


async def fill(out: Outgoing, content: bytes) -> int:
    """Put messages until the queue is full; returns their number."""
    count = 0
    while out.put(content, 1):
        count += 1
    return count


async def test_queued_messages_keep_their_order() -> None:
    async with outgoing() as (out, pair):
        for number in range(500):
            assert out.put(b"%04d" % number + bytes(1000), 1)
        received = [(await pair.receive()).content[:4] for _ in range(500)]
        assert received == [b"%04d" % number for number in range(500)]


async def test_full_queue_has_room_again_when_half_of_it_was_read() -> None:
    async with outgoing() as (out, pair):
        count = await fill(out, bytes(1000))
        assert count > QUEUE_PACKETS
        async with trio.open_nursery() as nursery:
            nursery.start_soon(out.room)
            await wait_all_tasks_blocked()
            while nursery.child_tasks:
                await pair.receive()
                await wait_all_tasks_blocked()
        assert out.put(b"", 1)


async def test_lost_messages_are_reported_when_the_queue_was_read() -> None:
    async with outgoing() as (out, pair):
        count = await fill(out, bytes(1000))
        out.lose(2)
        assert out.put(b"", 3)
        assert out.lost == 5
        for _ in range(count):
            assert (await pair.receive()).kind == Kind.MESSAGES
        packet = await pair.receive()
        assert (packet.kind, packet.content) == (Kind.LOST, b"5")
        assert out.put(b"again", 1)
        assert (await pair.receive()).content == b"again"


async def test_large_messages_wait_until_earlier_ones_were_taken() -> None:
    async with outgoing() as (out, pair):
        for _ in range(6):
            assert out.put(LARGE, 1)
        out.announce(b"{}")
        await wait_all_tasks_blocked()
        for _ in range(4):
            assert pair.receive_nowait() is not None
        assert pair.receive_nowait() is None
        out.taken(2)
        for expected in (LARGE, LARGE, b"{}"):
            assert (await pair.receive()).content == expected


async def test_reports_of_taken_messages_pass_those_that_wait() -> None:
    async with outgoing() as (out, pair):
        for _ in range(6):
            assert out.put(LARGE, 1)
        out.received_large()
        out.received_large()
        await wait_all_tasks_blocked()
        for _ in range(4):
            await pair.receive()
        packet = await pair.receive()
        assert (packet.kind, packet.content) == (Kind.TAKEN, b"2")


async def test_connection_passes_messages_that_wait() -> None:
    async with outgoing() as (out, pair):
        count = await fill(out, bytes(1000))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(out.hand_over, 0, b"GET", inf)
            await wait_all_tasks_blocked()
            before = 0
            while (packet := await pair.receive()).kind != Kind.CONNECTION:
                before += 1
            close_all(packet.descriptors)
            assert before < count - QUEUE_PACKETS // 2


async def test_cancelled_connection_is_not_sent() -> None:
    async with outgoing() as (out, pair):
        count = await fill(out, bytes(1000))
        with trio.CancelScope() as scope:
            scope.cancel()
            await out.hand_over(0, b"GET", inf)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(out.hand_over, 0, b"GET", inf)
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        assert {(await pair.receive()).kind for _ in range(count)} == {Kind.MESSAGES}


async def test_end_of_the_worker_ends_all_waits() -> None:
    async with outgoing() as (out, pair):
        await fill(out, bytes(1000))
        results: list[Any] = []

        async def hand_over() -> None:
            results.append(await out.hand_over(0, b"GET", inf))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(out.room)
            nursery.start_soon(hand_over)
            await wait_all_tasks_blocked()
            pair.close()
        assert results == [False]
        assert out.is_closed
        assert out.put(b"", 1)
        assert not await out.hand_over(0, b"GET", inf)


async def test_message_that_needs_a_descriptor_is_lost_when_there_is_none() -> None:
    async with outgoing() as (out, pair):
        with no_descriptor_left():
            assert out.put(LARGE, 1)
        assert out.lost == 1
        assert (await pair.receive()).kind == Kind.LOST


async def test_connection_that_cannot_be_received_is_counted_as_cut_off() -> None:
    async with outgoing() as (out, pair):
        assert await out.hand_over(0, b"GET", inf)
        with no_descriptor_left(), pytest.raises(BadPacket, match="cut off"):
            pair.receive_nowait()
