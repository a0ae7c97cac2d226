"""Heads and chunks that two readers of HTTP may read in two ways: refused, and nothing behind them is read."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
import trio
import trustme
from support.raw import POLLING, exchange, read_all, request, status

from trio_socketio import Server

BODY = "Content-Length: 2"
CHUNKED = "Transfer-Encoding: chunked"

HEADS = {
    "length and coding": request(POLLING, BODY, CHUNKED),
    "coding and length": request(POLLING, CHUNKED, BODY),
    "folded": request(POLLING, "X: a", " b"),
    "folded by a tab": request(POLLING, "X: a", "\tb"),
    "folded request line": request(POLLING).replace(b"\r\n", b"\r\n ", 1),
    "LF in a field": request(POLLING, "X: a\nY: b"),
    "CR in a field": request(POLLING, "X: a\rb"),
    "LF behind the request line": request(POLLING).replace(b"\r\n", b"\n", 1),
    "LF in the request line": request(POLLING + "\nX"),
    "CR in the request line": request(POLLING + "\rX"),
    "LF alone": request(POLLING, "X: a").replace(b"\r\n", b"\n"),
    "LF at the end": request(POLLING, "X: a")[:-2] + b"\n",
    "CR CR LF": request(POLLING, "X: a\r"),
    "control character": request(POLLING, "X: a\x01b"),
    "DEL": request(POLLING, "X: a\x7f"),
    "list of lengths": request(POLLING, "Content-Length: 2, 2", method="POST", body=b"40"),
    "length twice": request(POLLING, BODY, "Host2: x", "content-length:2", method="POST", body=b"40"),
    "length in two fields": request(POLLING, BODY, BODY, method="POST", body=b"40"),
}

heads = pytest.mark.parametrize("head", HEADS.values(), ids=HEADS.keys())


def is_refusal(received: bytes, code: int = 400) -> bool:
    """Whether this is the one answer on its connection, has no body, and says that the connection ends."""
    return (
        received.endswith(b"\r\n\r\n")
        and received.count(b"HTTP/1.1 ") == 1
        and status(received) == code
        and b"\r\nConnection: close\r\n" in received
    )


@heads
@pytest.mark.rows("P19")
async def test_head_is_refused_and_nothing_behind_it_is_read(
    autojump_clock: Any, running: Any, parser: Any, head: bytes
) -> None:
    async with running(Server(http=parser)) as wire:
        assert is_refusal(await exchange(wire.stream(), head + request(POLLING)))
        assert wire.io.engine.clients_count == 0


@heads
@pytest.mark.rows("P19")
async def test_head_is_refused_byte_by_byte(
    autojump_clock: Any, running: Any, parser: Any, head: bytes
) -> None:
    async with running(Server(http=parser)) as wire:
        stream = wire.stream()
        began = trio.current_time()
        try:
            for byte in head + request(POLLING):
                await stream.send_all(bytes([byte]))
                await trio.lowlevel.checkpoint()
        except trio.BrokenResourceError:
            pass
        assert is_refusal(await read_all(stream))
        assert trio.current_time() == began  # by what it is, not for being late
        assert wire.io.engine.clients_count == 0


@heads
@pytest.mark.rows("P19")
async def test_head_is_refused_behind_another_request(
    autojump_clock: Any, running: Any, parser: Any, head: bytes
) -> None:
    async with running(Server(http=parser)) as wire:
        received = await exchange(wire.stream(), request("/nothing") + head + request(POLLING))
        first, second = received.split(b"HTTP/1.1 ")[1:]
        assert first.startswith(b"404")
        assert is_refusal(b"HTTP/1.1 " + second)
        assert wire.io.engine.clients_count == 0


@pytest.mark.rows("P19")
async def test_head_is_refused_behind_a_poll_that_waits(
    autojump_clock: Any, running: Any, parser: Any
) -> None:
    async with running(Server(http=parser)) as wire:
        polling = await wire.polling()
        stream = wire.stream()
        await stream.send_all(request(polling.target) + HEADS["LF in a field"] + request(POLLING))
        await polling.post("40")
        received = await read_all(stream)
        first, second = received.split(b"HTTP/1.1 ")[1:]
        assert first.startswith(b"200")
        assert is_refusal(b"HTTP/1.1 " + second)


@pytest.mark.parametrize("name", ["LF in a field", "folded", "length twice", "CR in the request line"])
@pytest.mark.rows("P19")
async def test_head_is_refused_however_it_is_split(
    autojump_clock: Any, running: Any, parser: Any, name: str
) -> None:
    data = HEADS[name] + request(POLLING)
    async with running(Server(http=parser)) as wire:
        for at in range(1, len(HEADS[name])):
            stream = wire.stream()
            await stream.send_all(data[:at])
            await trio.testing.wait_all_tasks_blocked()
            try:
                await stream.send_all(data[at:])
            except trio.BrokenResourceError:
                pass
            assert is_refusal(await read_all(stream)), at
        assert wire.io.engine.clients_count == 0


CHUNKS = {
    "LF in an extension": b"2;a\nb\r\n40\r\n0\r\n\r\n",
    "CR in an extension": b"2;a\rb\r\n40\r\n0\r\n\r\n",
    "control character in an extension": b"2;a\x01\r\n40\r\n0\r\n\r\n",
    "LF behind a size": b"2\n40\r\n0\r\n\r\n",
    "LF behind a chunk": b"2\r\n40\n0\r\n\r\n",
    "LF behind the last chunk": b"2\r\n40\r\n0\n\n",
    "LF for the end": b"2\r\n40\r\n0\r\n\n",
    "LF in a trailer": b"2\r\n40\r\n0\r\nX: a\nY: b\r\n\r\n",
    "CR in a trailer": b"2\r\n40\r\n0\r\nX: a\rb\r\n\r\n",
    "folded trailer": b"2\r\n40\r\n0\r\nX: a\r\n b\r\n\r\n",
    "malformed trailer": b"2\r\n40\r\n0\r\nX : a\r\n\r\n",
}


@pytest.mark.parametrize("pieces", ["one", "bytes"])
@pytest.mark.parametrize("body", CHUNKS.values(), ids=CHUNKS.keys())
@pytest.mark.rows("P19")
async def test_chunks_are_refused(autojump_clock: Any, running: Any, body: bytes, pieces: str) -> None:
    async with running(Server()) as wire:
        polling = await wire.polling()
        data = request(polling.target, CHUNKED, method="POST", body=body) + request(POLLING)
        stream = wire.stream()
        began = trio.current_time()
        try:
            for piece in [data] if pieces == "one" else [bytes([byte]) for byte in data]:
                await stream.send_all(piece)
                await trio.lowlevel.checkpoint()
        except trio.BrokenResourceError:
            pass
        assert is_refusal(await read_all(stream))
        assert trio.current_time() == began
        assert wire.io.engine.clients_count <= 1


@pytest.mark.parametrize("size", [b"65", b"FFFFFFFF", b"f" * 17, b"0" * 20 + b"65"])
@pytest.mark.rows("P19")
async def test_chunk_beyond_the_limit_is_refused_by_its_size(
    autojump_clock: Any, running: Any, parser: Any, size: bytes
) -> None:
    async with running(Server(http=parser, max_http_buffer_size=100)) as wire:
        polling = await wire.polling()
        stream = wire.stream()
        await stream.send_all(request(polling.target, CHUNKED, method="POST", body=size + b"\r\n"))
        began = trio.current_time()
        assert is_refusal(await read_all(stream), 413)
        assert trio.current_time() == began


@pytest.mark.rows("P19")
async def test_extensions_and_trailers_are_limited(autojump_clock: Any, running: Any, parser: Any) -> None:
    async with running(Server(http=parser, max_header_bytes=1000)) as wire:
        for body in (b"1;%b\r\n4\r\n" % (b"x" * 500) * 3, b"1;" + b"x" * 2000, b"0\r\nX: " + b"x" * 2000):
            polling = await wire.polling()
            data = request(polling.target, CHUNKED, method="POST", body=body)
            assert is_refusal(await exchange(wire.stream(), data), 431)


@pytest.mark.rows("P19", "A15")
async def test_heads_are_refused_over_tls(nursery: trio.Nursery) -> None:
    authority = trustme.CA()
    ours, theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(ours)
    authority.configure_trust(theirs)
    io = Server()
    async with io:
        (listener,) = await nursery.start(
            lambda task_status: io.serve("127.0.0.1", 0, ssl_context=ours, task_status=task_status)
        )
        port = listener.transport_listener.socket.getsockname()[1]
        for head in HEADS.values():
            plain = await trio.open_tcp_stream("127.0.0.1", port)
            stream = trio.SSLStream(plain, theirs, server_hostname="localhost", https_compatible=True)
            with trio.fail_after(10):
                assert is_refusal(await exchange(stream, head + request(POLLING)))
            await trio.aclose_forcefully(stream)
        assert io.engine.clients_count == 0
    nursery.cancel_scope.cancel()
