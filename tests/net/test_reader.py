"""Reading requests from a stream: heads, bodies, and the bytes of the next request."""

from __future__ import annotations

from collections.abc import AsyncIterator

import h11
import pytest
import trio
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from trio_socketio.net._reader import RequestReader, plain_socket

GET = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"
MAX_HEAD = 1000


def target(reader: RequestReader) -> bytes:
    assert reader.head is not None
    return reader.head.target


@pytest.fixture
async def pair() -> AsyncIterator[tuple[trio.SocketStream, trio.SocketStream]]:
    ours, theirs = trio.socket.socketpair()
    async with trio.SocketStream(ours) as near, trio.SocketStream(theirs) as far:
        yield near, far


async def test_bytes_after_a_request_begin_the_next() -> None:
    ours, theirs = memory_stream_pair()
    reader = RequestReader(ours, MAX_HEAD)
    await theirs.send_all(GET % 1 + GET % 2 + b"GET")
    await reader.receive()
    assert target(reader) == b"/1"
    reader.begin_next()
    assert target(reader) == b"/2"
    reader.begin_next()
    assert (reader.received, reader.head, reader.trailing_data) == (3, None, b"")
    await theirs.send_all((GET % 3)[3:])
    await reader.receive()
    assert target(reader) == b"/3"


async def test_body_is_taken_only_if_it_is_complete() -> None:
    ours, theirs = memory_stream_pair()
    reader = RequestReader(ours, MAX_HEAD)
    await theirs.send_all(POST + b"bod")
    await reader.receive()
    assert target(reader) == b"/p"
    assert reader.take(4) is None
    await theirs.send_all(b"y" + GET % 1)
    await reader.receive()
    assert reader.take(4) == b"body"
    reader.begin_next()
    assert target(reader) == b"/1"


@pytest.mark.parametrize("pieces", [1, 3])
async def test_malformed_head_is_refused(pieces: int) -> None:
    ours, theirs = memory_stream_pair()
    reader = RequestReader(ours, MAX_HEAD)
    head = b"GET / HTTP/1.1\r\nHost: a\r\nName: a\nb\r\n\r\n"
    size = len(head) // pieces + 1
    starts = range(0, len(head), size)
    for start in starts[:-1]:
        await theirs.send_all(head[start : start + size])
        await reader.receive()
    await theirs.send_all(head[starts[-1] :])
    with pytest.raises(h11.RemoteProtocolError, match="line end"):
        await reader.receive()
    assert reader.head is None


async def test_end_of_the_stream_is_read_as_no_bytes() -> None:
    ours, theirs = memory_stream_pair()
    reader = RequestReader(ours, MAX_HEAD)
    await theirs.aclose()
    assert await reader.read() == b""
    await reader.receive()
    assert (reader.received, reader.needs_data) == (0, False)


@pytest.mark.parametrize("begins", ["first", "next"])
async def test_end_of_the_stream_in_a_head_is_an_error(begins: str) -> None:
    ours, theirs = memory_stream_pair()
    reader = RequestReader(ours, MAX_HEAD)
    if begins == "next":
        await theirs.send_all(GET % 1 + b"GET")
        await reader.receive()
        await theirs.aclose()
        assert await reader.read() == b""
        with pytest.raises(h11.RemoteProtocolError, match="before the end of a head"):
            reader.begin_next()
    else:
        await theirs.send_all(b"GET")
        await reader.receive()
        await theirs.aclose()
        with pytest.raises(h11.RemoteProtocolError, match="before the end of a head"):
            await reader.receive()


async def test_broken_socket_is_read_as_its_end(
    pair: tuple[trio.SocketStream, trio.SocketStream], nursery: trio.Nursery
) -> None:
    near, _ = pair
    reader = RequestReader(near, MAX_HEAD)
    nursery.start_soon(near.aclose)
    assert await reader.read() == b""


async def test_what_has_arrived_at_a_socket_is_read_without_waiting(
    pair: tuple[trio.SocketStream, trio.SocketStream],
) -> None:
    near, far = pair
    reader = RequestReader(near, MAX_HEAD)
    assert reader.receive_at_once() is False
    await far.send_all(GET % 1)
    assert reader.receive_at_once() is True
    assert target(reader) == b"/1"
    assert plain_socket(near) is near.socket


async def test_bytes_that_arrive_while_another_task_answers_are_kept(nursery: trio.Nursery) -> None:
    ours, theirs = memory_stream_pair()
    reader = RequestReader(ours, MAX_HEAD)
    reader.feed(GET % 0)
    reader.hold()
    results: list[bool] = []

    async def wait() -> None:
        results.append(await reader.released())

    nursery.start_soon(wait)
    await theirs.send_all(GET % 1)
    await wait_all_tasks_blocked()
    assert results == []
    reader.release()
    await wait_all_tasks_blocked()
    assert results == [True]
    reader.begin_next()
    assert target(reader) == b"/1"


async def test_disconnect_while_another_task_answers_is_reported() -> None:
    ours, theirs = memory_stream_pair()
    reader = RequestReader(ours, MAX_HEAD)
    reader.feed(GET % 0)
    reader.hold()
    await theirs.aclose()
    assert await reader.released() is False
