"""Writing responses to clients that read at once, slowly, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.raw import read_all
from trio.testing import lockstep_stream_pair, wait_all_tasks_blocked

from trio_socketio.engineio import Delivery
from trio_socketio.net._timeouts import Timeouts
from trio_socketio.net._writer import ResponseWriter

LARGE = b"x" * 4_000_000


def socket_pair() -> tuple[trio.SocketStream, trio.SocketStream]:
    ours, theirs = trio.socket.socketpair()
    return trio.SocketStream(ours), trio.SocketStream(theirs)


async def test_small_response_is_written_to_a_socket_at_once() -> None:
    ours, theirs = socket_pair()
    async with ours, theirs:
        writer = ResponseWriter(ours, Timeouts().queue(5.0))
        assert writer.begin(b"response") == b""
        assert await theirs.receive_some() == b"response"


async def test_rest_is_what_the_socket_does_not_take_at_once(nursery: trio.Nursery) -> None:
    ours, theirs = socket_pair()
    writer = ResponseWriter(ours, Timeouts().queue(5.0))
    rest = writer.begin(LARGE)
    assert 0 < len(rest) < len(LARGE)
    assert writer.begin(b"more") == b"more"

    async def finish() -> None:
        async with ours:
            await writer.finish(rest)

    nursery.start_soon(finish)
    async with theirs:
        assert await read_all(theirs) == LARGE


async def test_broken_socket_is_reported() -> None:
    ours, theirs = socket_pair()
    await theirs.aclose()
    async with ours:
        writer = ResponseWriter(ours, Timeouts().queue(5.0))
        with pytest.raises(trio.BrokenResourceError, match="the connection broke"):
            writer.begin(b"response")


async def test_stream_without_a_socket_takes_nothing_at_once(nursery: trio.Nursery) -> None:
    ours, theirs = lockstep_stream_pair()
    writer = ResponseWriter(ours, Timeouts().queue(5.0))
    assert writer.begin(b"response") == b"response"
    nursery.start_soon(writer.finish, b"response")
    assert await theirs.receive_some(100) == b"response"
    await wait_all_tasks_blocked()
    assert writer.delivery() == Delivery(8, 0)


async def test_client_that_reads_nothing_is_too_slow(autojump_clock: Any, nursery: trio.Nursery) -> None:
    timeouts = Timeouts()
    nursery.start_soon(timeouts.run)
    ours, _ = lockstep_stream_pair()
    writer = ResponseWriter(ours, timeouts.queue(5.0))
    with pytest.raises(trio.TooSlowError):
        await writer.finish(b"x" * 5000)
    assert trio.current_time() == pytest.approx(5.0)


async def test_client_that_reads_a_kilobyte_in_time_is_not_too_slow(
    autojump_clock: Any, nursery: trio.Nursery
) -> None:
    timeouts = Timeouts()
    nursery.start_soon(timeouts.run)
    ours, theirs = lockstep_stream_pair()
    writer = ResponseWriter(ours, timeouts.queue(5.0))

    async def read() -> None:
        for _ in range(5):
            await trio.sleep(4.0)
            await theirs.receive_some(1024)

    nursery.start_soon(read)
    await writer.finish(b"x" * 5000)
    assert trio.current_time() == pytest.approx(20.0)
