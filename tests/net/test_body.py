"""POSTs in many small chunks (RFC 9112 section 7.1): they are limited, and others have their turns meanwhile."""

from __future__ import annotations

import time
from typing import Any

import h11
import pytest
import trio
from support.handlers import counted_turns
from support.raw import read_all, request, status
from support.wire import Polling

from trio_socketio import EngineServer, Server

CHUNKED = "Transfer-Encoding: chunked"
CHUNK = b"1\r\n4\r\n"
LIMIT = 10_000


def post(target: str, chunks: list[bytes]) -> bytes:
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    return request(target, CHUNKED, method="POST", body=body)


async def answer_to(polling: Polling, data: bytes) -> bytes:
    """Send as much as the server takes, and read until it closes."""
    stream = polling.wire.stream()

    async def send() -> None:
        try:
            await stream.send_all(data)
        except trio.BrokenResourceError:
            pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        response = await read_all(stream)
        nursery.cancel_scope.cancel()
    return response


@pytest.mark.rows("P14")
@pytest.mark.parametrize("server", [Server, EngineServer])
async def test_more_chunks_than_the_limit_are_answered_with_413(running: Any, server: Any) -> None:
    async with running(server()) as net:
        polling = await net.polling()
        response = await answer_to(polling, post(polling.target, [b"4"] * (LIMIT + 1)))
        assert status(response) == 413
        assert b"Connection: close" in response
        assert (
            await polling.post("4x" if server is EngineServer else "40")
        ).text == "ok"  # the session lives on


@pytest.mark.rows("P14")
async def test_as_many_chunks_as_the_limit_are_one_body(running: Any) -> None:
    io = EngineServer()
    seen: list[Any] = []
    io.on("message", lambda socket, data: seen.append(data))
    async with running(io) as net:
        polling = await net.polling()
        data = post(polling.target, [b"4"] + [b"x"] * (LIMIT - 1))
        stream = net.stream()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.send_all, data)
            assert status(await stream.receive_some(65536)) == 200
    assert seen == ["x" * (LIMIT - 1)]


@pytest.mark.rows("P14")
async def test_other_tasks_have_their_turns_while_chunks_are_parsed(running: Any) -> None:
    async with running(Server()) as net:
        polling = await net.polling()
        async with counted_turns() as turns:
            await answer_to(polling, post(polling.target, [b"4"] * (LIMIT + 1)))
            assert turns.count > LIMIT * len(CHUNK) // 16_384


def seconds_of_h11(count: int) -> float:
    """What h11 alone takes for so many chunks, in CPU seconds."""
    start = time.process_time()
    parser = h11.Connection(h11.SERVER)
    parser.receive_data(request("/", CHUNKED, method="POST", body=CHUNK * count))
    while parser.next_event() is not h11.NEED_DATA:
        pass
    return time.process_time() - start


@pytest.mark.rows("P14")
async def test_a_megabyte_of_chunks_costs_no_more_than_those_up_to_the_limit(running: Any) -> None:
    async with running(Server()) as net:
        ratios = []
        for _ in range(5):
            polling = await net.polling()
            start = time.process_time()
            response = await answer_to(
                polling, request(polling.target, CHUNKED, method="POST", body=CHUNK * 150_000)
            )
            cost = time.process_time() - start
            assert status(response) == 413
            ratios.append(cost / seconds_of_h11(LIMIT))
        assert min(ratios) < 3
