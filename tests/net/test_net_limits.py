"""How long and how much HTTP may take, and what is no HTTP."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.raw import POLLING, exchange, read_all, read_until, request, status, upgrade
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server

pytestmark = pytest.mark.usefixtures("autojump_clock")


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


async def test_connection_without_a_byte(running: Any) -> None:
    async with running(Server()) as wire:
        began = trio.current_time()
        assert await read_all(wire.stream()) == b""
        assert trio.current_time() - began == pytest.approx(10.0)


@pytest.mark.parametrize("drip", [b"", b"G", b"X: y\r\n"])
async def test_head_that_drips(running: Any, drip: bytes) -> None:
    async with running(Server(header_timeout=4.0)) as wire, trio.open_nursery() as nursery:
        stream = wire.stream()
        began = trio.current_time()
        await stream.send_all(b"GET / HTTP/1.1\r\n" if drip != b"G" else b"G")
        if drip:
            nursery.start_soon(_drip, stream, drip, 0.5)
        assert await read_all(stream) in (b"", b"HTTP/1.1 408 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        assert trio.current_time() - began == pytest.approx(4.0)
        nursery.cancel_scope.cancel()
        await _assert_served(wire)


async def test_second_head_has_its_own_time(running: Any) -> None:
    async with running(Server(header_timeout=4.0)) as wire:
        stream = wire.stream()
        await stream.send_all(request("/nothing"))
        await read_until(stream, b"\r\n\r\n")
        await trio.sleep(20)
        began = trio.current_time()
        await stream.send_all(b"G")
        assert await read_all(stream) == b""
        assert trio.current_time() - began == pytest.approx(4.0)


async def test_idle_connection(running: Any) -> None:
    async with running(Server(keep_alive_timeout=65.0)) as wire:
        stream = wire.stream()
        await stream.send_all(request("/nothing"))
        await read_until(stream, b"\r\n\r\n")
        began = trio.current_time()
        assert await read_all(stream) == b""
        assert trio.current_time() - began == pytest.approx(65.0)


@pytest.mark.parametrize("chunked", [False, True])
async def test_body_that_drips(running: Any, chunked: bool) -> None:
    async with running(Server(request_timeout=7.0)) as wire, trio.open_nursery() as nursery:
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


async def test_client_that_does_not_read_its_answers(running: Any) -> None:
    """Over a stream that holds nothing, each answer is stuck until the request's time is over."""
    async with running(Server(request_timeout=7.0)) as wire:
        wire.pair = trio.testing.lockstep_stream_pair
        stream = wire.stream()
        await stream.send_all(request(POLLING))
        await wait_all_tasks_blocked()
        assert wire.io.engine.clients_count == 1
        began = trio.current_time()
        with pytest.raises(trio.BrokenResourceError):
            await stream.send_all(request("/nothing"))
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
async def test_head_over_the_limit(running: Any, head: bytes, segment: int) -> None:
    async with running(Server()) as wire, trio.open_nursery() as nursery:
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
async def test_head_of_exactly_the_limit(running: Any, size: int) -> None:
    async with running(Server(max_header_bytes=16_384)) as wire:
        filler = size - len(request("/", "X: ", "Connection: close"))
        received = await exchange(wire.stream(), request("/", "X: " + "x" * filler, "Connection: close"))
        assert status(received) == (404 if size == 16_384 else 431)


@pytest.mark.rows("C25")
async def test_post_over_the_limit_is_refused_before_its_body_is_read(running: Any) -> None:
    async with running(Server()) as wire:
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
async def test_absurd_length_is_too_large_like_any_other(running: Any, length: str) -> None:
    async with running(Server()) as wire:
        polling = await wire.polling()
        received = await exchange(wire.stream(), request(polling.target, f"Content-Length: {length}", method="POST"))
        assert status(received) == 413


@pytest.mark.rows("C25")
async def test_chunked_post_over_the_limit_is_refused_at_the_limit(running: Any) -> None:
    async with running(Server(max_http_buffer_size=100)) as wire, trio.open_nursery() as nursery:
        polling = await wire.polling()
        stream = wire.stream()
        await stream.send_all(request(polling.target, "Transfer-Encoding: chunked", method="POST"))
        nursery.start_soon(_drip, stream, b"a\r\n4444444444\r\n", 0)
        assert status(await read_all(stream)) == 413
        nursery.cancel_scope.cancel()
        await polling.connect()


@pytest.mark.rows("C25")
async def test_post_of_exactly_the_limit(running: Any) -> None:
    async with running(Server(max_http_buffer_size=100)) as wire:
        polling = await wire.polling()
        assert (await polling.post("40" + " " * 98)).status == 200
        assert (await polling.post("40" + " " * 99)).status == 413


# what is no HTTP, or must not be taken for it

_FRAMING = [
    ("Content-Length: 1", "Content-Length: 2"),
    *((f"Content-Length: {value}",) for value in ("+2", "-2", "0x2", "1_0", "2,3", "9" * 23, "", "2 2")),
    ("Transfer-Encoding: gzip",),
    ("Transfer-Encoding: chunked, identity",),
    ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    ("Name : value",),
    ("X: a", " folded"),
    ("X: \0",),
    ("X: a\rb",),
]


@pytest.mark.parametrize("fields", _FRAMING, ids=" / ".join)
async def test_ambiguous_request_is_refused_and_nothing_behind_it_is_read(
    running: Any, fields: tuple[str, ...]
) -> None:
    async with running(Server()) as wire:
        polling = await wire.polling()
        data = request(polling.target, *fields, method="POST", body=b"40") + request(POLLING)
        received = await exchange(wire.stream(), data)
        if fields != ("X: a", " folded"):
            assert status(received) in (400, 413, 501)
        assert received.count(b"HTTP/1.1 ") == 1
        assert wire.io.engine.clients_count <= 1
        await _assert_served(wire)


@pytest.mark.parametrize(
    "body",
    [b"+2\r\n40\r\n0\r\n\r\n", b"0x2\r\n40\r\n0\r\n\r\n", b"2\r\n40x\r\n0\r\n\r\n", b"f" * 17 + b"\r\n", b"2\n40\n0\n\n",
     b"-1\r\n", b" 2\r\n40\r\n0\r\n\r\n", b"zz\r\n"],
)  # fmt: skip
async def test_bad_chunks(running: Any, body: bytes) -> None:
    async with running(Server()) as wire:
        polling = await wire.polling()
        stream = wire.stream()
        await stream.send_all(request(polling.target, "Transfer-Encoding: chunked", method="POST", body=body))
        await stream.send_eof()
        assert status(await read_all(stream)) in (400, 413)
        assert wire.io.engine.clients_count <= 1


@pytest.mark.parametrize(
    "data",
    [
        request(POLLING, host=""),
        b"GET /\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        bytes(range(256)) * 4,
        b"\r\n" * 20_000,
        request(POLLING, version="2.0"),
        request(POLLING, version="9.9"),
        b"GET " + POLLING.encode() + b" HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    ],
    ids=["no host", "0.9", "h2", "tls", "random", "blank lines", "2.0", "9.9", "two hosts"],
)
async def test_what_is_no_http(running: Any, data: bytes) -> None:
    async with running(Server()) as wire:
        received = await exchange(wire.stream(), data)
        assert received == b"" or status(received) in (400, 431, 505)
        assert wire.io.engine.clients_count == 0
        await _assert_served(wire)


async def test_client_gone_in_the_middle_of_a_body(running: Any) -> None:
    async with running(Server()) as wire:
        polling = await wire.polling()
        stream = wire.stream()
        await stream.send_all(request(polling.target, "Content-Length: 10", method="POST", body=b"40"))
        await stream.aclose()
        await wait_all_tasks_blocked()
        assert wire.io.engine.clients_count == 0


# origins


@pytest.mark.parametrize("cors", ["http://a.example", ["http://b.example", "http://a.example"], "*"])
async def test_allowed_origin_is_granted_on_every_answer(running: Any, cors: Any) -> None:
    origin = {"Origin": "http://a.example"}
    async with running(Server(cors=cors)) as wire:
        for method, target in (("GET", POLLING), ("PUT", POLLING), ("GET", POLLING + "&sid=unknown")):
            response = await wire.http().request(method, target, headers=origin)
            assert response.headers["access-control-allow-origin"] == "http://a.example"
            assert response.headers["vary"] == "Origin"
        ws = await wire.websocket(headers=origin)
        assert isinstance(await ws.receive(), str)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://test.evil.example", "http://test:81"])
async def test_foreign_origin_is_refused_on_every_transport(running: Any, origin: str) -> None:
    async with running(Server()) as wire:
        sid = (await wire.polling()).sid
        response = await wire.http().request("GET", POLLING, headers={"Origin": origin})
        assert response.status == 403
        assert "access-control-allow-origin" not in response.headers
        for suffix in ("", f"&sid={sid}"):
            received = await exchange(
                wire.stream(), upgrade(f"/socket.io/?EIO=4&transport=websocket{suffix}", Origin=origin)
            )
            assert status(received) == 403
        assert wire.io.engine.clients_count == 1
