"""What is no HTTP, or must not be taken for it."""

from __future__ import annotations

from typing import Any

import pytest
from support.raw import POLLING, exchange, read_all, request, status
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server


async def _assert_served(wire: Any) -> None:
    assert (await wire.http().request("GET", POLLING)).status == 200


_FRAMING = [
    ("Content-Length: 1", "Content-Length: 2"),
    *((f"Content-Length: {value}",) for value in ("+2", "-2", "0x2", "1_0", "2,3", "9" * 23, "", "2 2")),
    ("Transfer-Encoding: gzip",),
    ("Transfer-Encoding: chunked, identity",),
    ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    ("Name : value",),
    ("X: \0",),
    ("X: a\rb",),
]


@pytest.mark.parametrize("fields", _FRAMING, ids=" / ".join)
async def test_ambiguous_request_is_refused_and_nothing_behind_it_is_read(
    autojump_clock: Any, running: Any, parser: Any, fields: tuple[str, ...]
) -> None:
    async with running(Server(http=parser)) as wire:
        polling = await wire.polling()
        data = request(polling.target, *fields, method="POST", body=b"40") + request(POLLING)
        received = await exchange(wire.stream(), data)
        assert status(received) in (400, 413, 501)
        assert received.count(b"HTTP/1.1 ") == 1
        assert wire.io.engine.clients_count <= 1
        await _assert_served(wire)


@pytest.mark.parametrize(
    "body",
    [b"+2\r\n40\r\n0\r\n\r\n", b"0x2\r\n40\r\n0\r\n\r\n", b"2\r\n40x\r\n0\r\n\r\n", b"f" * 17 + b"\r\n",
     b"2\n40\n0\n\n", b"-1\r\n", b" 2\r\n40\r\n0\r\n\r\n", b"zz\r\n"],
)  # fmt: skip
async def test_bad_chunks(autojump_clock: Any, running: Any, parser: Any, body: bytes) -> None:
    async with running(Server(http=parser)) as wire:
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
async def test_data_other_than_http_is_refused(
    autojump_clock: Any, running: Any, parser: Any, data: bytes
) -> None:
    async with running(Server(http=parser)) as wire:
        received = await exchange(wire.stream(), data)
        assert received == b"" or status(received) in (400, 431, 505)
        assert wire.io.engine.clients_count == 0
        await _assert_served(wire)


async def test_client_gone_in_the_middle_of_a_body(autojump_clock: Any, running: Any, parser: Any) -> None:
    async with running(Server(http=parser)) as wire:
        polling = await wire.polling()
        stream = wire.stream()
        await stream.send_all(request(polling.target, "Content-Length: 10", method="POST", body=b"40"))
        await stream.aclose()
        await wait_all_tasks_blocked()
        assert wire.io.engine.clients_count == 0
