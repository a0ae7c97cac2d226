"""How long and how much HTTP may take."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.raw import POLLING, exchange, read_all, read_until, request, status
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server


async def _drip(stream: trio.abc.Stream, data: bytes, every: float) -> None:
    """Send a byte from time to time, for ever."""
    try:
        while True:
            await stream.send_all(data)
            await trio.sleep(every)
    except trio.BrokenResourceError:
        pass


async def _assert_served(wire: Any) -> None:
    assert (await wire.http().request("GET", POLLING)).status == 200


# time


async def test_connection_without_a_byte_times_out(autojump_clock: Any, running: Any, parser: Any) -> None:
    async with running(Server(http=parser)) as wire:
        began = trio.current_time()
        assert await read_all(wire.stream()) == b""
        assert trio.current_time() - began == pytest.approx(10.0)


@pytest.mark.parametrize("drip", [b"", b"G", b"X: y\r\n"])
async def test_slow_head_times_out(autojump_clock: Any, running: Any, parser: Any, drip: bytes) -> None:
    async with running(Server(http=parser, header_timeout=4.0)) as wire, trio.open_nursery() as nursery:
        stream = wire.stream()
        began = trio.current_time()
        await stream.send_all(b"GET / HTTP/1.1\r\n" if drip != b"G" else b"G")
        if drip:
            nursery.start_soon(_drip, stream, drip, 0.5)
        received = await read_all(stream)
        assert received == b"" or status(received) == 408
        assert trio.current_time() - began == pytest.approx(4.0)
        nursery.cancel_scope.cancel()
        await _assert_served(wire)


async def test_each_head_has_its_own_timeout(autojump_clock: Any, running: Any, parser: Any) -> None:
    async with running(Server(http=parser, header_timeout=4.0)) as wire:
        stream = wire.stream()
        await stream.send_all(request("/nothing"))
        await read_until(stream, b"\r\n\r\n")
        await trio.sleep(20)
        began = trio.current_time()
        await stream.send_all(b"G")
        assert await read_all(stream) == b""
        assert trio.current_time() - began == pytest.approx(4.0)


async def test_idle_connection_is_closed(autojump_clock: Any, running: Any, parser: Any) -> None:
    async with running(Server(http=parser, keep_alive_timeout=65.0)) as wire:
        stream = wire.stream()
        await stream.send_all(request("/nothing"))
        await read_until(stream, b"\r\n\r\n")
        began = trio.current_time()
        assert await read_all(stream) == b""
        assert trio.current_time() - began == pytest.approx(65.0)


@pytest.mark.parametrize("chunked", [False, True])
async def test_slow_body_times_out(autojump_clock: Any, running: Any, parser: Any, chunked: bool) -> None:
    async with running(Server(http=parser, request_timeout=7.0)) as wire, trio.open_nursery() as nursery:
        polling = await wire.polling()
        stream = wire.stream()
        began = trio.current_time()
        field = "Transfer-Encoding: chunked" if chunked else "Content-Length: 1000"
        await stream.send_all(request(polling.target, field, method="POST"))
        nursery.start_soon(_drip, stream, b"1\r\n4\r\n" if chunked else b"4", 0.5)
        assert status(await read_all(stream)) == 408
        assert trio.current_time() - began == pytest.approx(7.0)
        nursery.cancel_scope.cancel()
        assert wire.io.engine.clients_count == 0
        await _assert_served(wire)


@pytest.mark.stream_only("a socket holds many answers")
async def test_client_that_does_not_read_its_answers(autojump_clock: Any, running: Any, parser: Any) -> None:
    """Over a stream that holds nothing, each answer is stuck until the request's time is over."""
    async with running(Server(http=parser, request_timeout=7.0)) as wire:
        wire.narrow()
        stream = wire.stream()
        await stream.send_all(request(POLLING))
        await wait_all_tasks_blocked()
        assert wire.io.engine.clients_count == 1
        began = trio.current_time()
        await _drip(stream, request("/nothing"), 0)  # as much as a head may have is read ahead
        assert trio.current_time() - began == pytest.approx(7.0)
        assert wire.io.engine.clients_count == 0


# size


@pytest.mark.parametrize("segment", [1000, 1_000_000])
@pytest.mark.parametrize(
    "head",
    [
        request("/", *(f"X-{n}: {n}" for n in range(3000))),
        request("/", "X: " + "x" * 20_000),
        request("/" + "x" * 20_000),
        request("/", "X: " + "x" * 1_000_000)[:-4],
    ],
    ids=["many", "long", "target", "endless"],
)
async def test_head_over_the_limit(
    autojump_clock: Any, running: Any, parser: Any, head: bytes, segment: int
) -> None:
    async with running(Server(http=parser)) as wire, trio.open_nursery() as nursery:
        stream = wire.stream()

        async def send() -> None:
            try:
                for start in range(0, len(head), segment):
                    await stream.send_all(head[start : start + segment])
            except trio.BrokenResourceError:
                pass

        nursery.start_soon(send)
        assert status(await read_all(stream)) == 431
        await _assert_served(wire)


@pytest.mark.parametrize("size", [16_384, 16_385])
async def test_head_of_exactly_the_limit(autojump_clock: Any, running: Any, parser: Any, size: int) -> None:
    async with running(Server(http=parser, max_header_bytes=16_384)) as wire:
        filler = size - len(request("/", "X: ", "Connection: close"))
        received = await exchange(wire.stream(), request("/", "X: " + "x" * filler, "Connection: close"))
        assert status(received) == (404 if size == 16_384 else 431)


async def test_no_more_than_a_head_is_read_behind_a_poll_that_waits(
    autojump_clock: Any, running: Any, parser: Any
) -> None:
    """Over a stream that holds nothing, what is not read is not taken."""
    async with running(Server(http=parser, max_header_bytes=16_384)) as wire:
        polling = await wire.polling()
        wire.narrow()
        stream = wire.stream()
        await stream.send_all(request(polling.target))
        taken = 0
        with trio.move_on_after(1):
            while True:
                await stream.send_all(b"x" * 1024)
                taken += 1024
        assert 16_384 <= taken <= 2 * 16_384
        assert wire.io.engine.clients_count == 1


async def test_bytes_behind_a_poll_are_the_next_request(
    autojump_clock: Any, running: Any, parser: Any
) -> None:
    """Also where they come in pieces while it waits, and go on when reading was suspended."""
    async with running(Server(http=parser, max_header_bytes=1000)) as wire:
        polling = await wire.polling()
        stream = wire.stream()
        await stream.send_all(request(polling.target))
        for _ in range(100):
            await stream.send_all(request("/nothing"))
            await wait_all_tasks_blocked()
        assert (await polling.post("40")).text == "ok"
        await stream.send_all(request("/nothing", "Connection: close"))
        received = await read_all(stream)
        assert b"40{" in received
        assert received.count(b"HTTP/1.1 404") == 101


@pytest.mark.rows("C25")
async def test_post_over_the_limit_is_refused_before_its_body_is_read(
    autojump_clock: Any, running: Any, parser: Any
) -> None:
    async with running(Server(http=parser)) as wire:
        polling = await wire.polling()
        stream = wire.stream()
        await stream.send_all(request(polling.target, "Content-Length: 1000001", method="POST"))
        received = await read_all(stream)
        assert status(received) == 413
        assert b"Content-Length: 0" in received
        assert b"Connection: close" in received
        await polling.connect()  # the session lives on


@pytest.mark.rows("C25")
@pytest.mark.parametrize("length", ["1" + "0" * 12, "9" * 20])
async def test_very_long_content_length_is_too_large(
    autojump_clock: Any, running: Any, parser: Any, length: str
) -> None:
    async with running(Server(http=parser)) as wire:
        polling = await wire.polling()
        received = await exchange(
            wire.stream(), request(polling.target, f"Content-Length: {length}", method="POST")
        )
        assert status(received) == 413


@pytest.mark.rows("C25")
async def test_chunked_post_over_the_limit_is_refused_at_the_limit(
    autojump_clock: Any, running: Any, parser: Any
) -> None:
    async with running(Server(http=parser, max_http_buffer_size=100)) as wire, trio.open_nursery() as nursery:
        polling = await wire.polling()
        stream = wire.stream()
        await stream.send_all(request(polling.target, "Transfer-Encoding: chunked", method="POST"))
        nursery.start_soon(_drip, stream, b"a\r\n4444444444\r\n", 0)
        assert status(await read_all(stream)) == 413
        nursery.cancel_scope.cancel()
        await polling.connect()


@pytest.mark.rows("C25")
async def test_post_of_exactly_the_limit(autojump_clock: Any, running: Any, parser: Any) -> None:
    async with running(Server(http=parser, max_http_buffer_size=100)) as wire:
        polling = await wire.polling()
        assert (await polling.post(f'40{{"a":"{"x" * 90}"}}')).status == 200
        assert (await polling.post(f'42["a","{"x" * 91}"]')).status == 413
