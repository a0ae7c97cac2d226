"""The stream of a connection without TLS sends, receives, waits and ends as streams do."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_socketio.adapters.redis._direct_stream import DirectStream

Pair = tuple[DirectStream, DirectStream]


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    one, other = map(DirectStream, socket.socketpair())
    yield one, other
    await one.aclose()
    await other.aclose()


async def test_direct_stream_sends_more_than_the_kernel_takes_at_once(pair: Pair) -> None:
    one, other = pair
    data = bytes(range(256)) * 20_000
    received = bytearray()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.send_all, data)
        await wait_all_tasks_blocked()
        while len(received) < len(data):
            received += await other.receive_some(65_536)
    assert received == data
    await one.wait_send_all_might_not_block()


async def test_direct_stream_waits_for_data(pair: Pair) -> None:
    one, other = pair
    received: list[bytes] = []

    async def receive() -> None:
        received.append(await other.receive_some())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        assert received == []
        await one.send_all(b"data")
    assert received == [b"data"]


async def test_direct_stream_loses_no_data_when_receiving_is_cancelled(pair: Pair) -> None:
    one, other = pair
    with trio.move_on_after(0):
        await other.receive_some()
    await one.send_all(b"data")
    assert await other.receive_some() == b"data"


async def test_direct_stream_reports_the_end_and_then_a_broken_connection(pair: Pair) -> None:
    one, other = pair
    await other.aclose()
    assert await one.receive_some() == b""
    with pytest.raises(trio.BrokenResourceError):
        await one.send_all(b"data")


async def test_closing_a_direct_stream_ends_waiting_calls(pair: Pair) -> None:
    one, _ = pair

    async def receive() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await one.receive_some()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        await one.aclose()
    for call in (one.send_all(b"data"), one.receive_some(), one.wait_send_all_might_not_block()):
        with pytest.raises(trio.ClosedResourceError):
            await call
    await one.aclose()
