"""Which requests are the engine's, by path and by protocol."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.raw import POLLING, exchange, request, status, upgrade

from trio_socketio import Server

CLOSE = "Connection: close"


@pytest.mark.rows("A5", "A6")
@pytest.mark.parametrize(("target", "strict", "both"), [
    ("/socket.io/", 200, 200), ("/socket.io", 404, 200), ("/socket.io//", 404, 404), ("/socket.iox", 404, 404),
    ("/socket.io/x", 404, 404), ("//socket.io", 404, 404), ("/socket.i", 404, 404), ("/SOCKET.IO/", 404, 404),
    ("/socket%2eio/", 404, 404), ("/socket.io%2f", 404, 404), ("/", 404, 404),
    ("http://test/socket.io/", 200, 200), ("http://test/socket.io", 404, 200),
])  # fmt: skip
async def test_path_with_and_without_its_last_slash(
    autojump_clock: Any, running: Any, target: str, strict: int, both: int
) -> None:
    for slash, expected in ((True, strict), (False, both)):
        async with running(Server(add_trailing_slash=slash)) as wire:
            query = "?EIO=4&transport="
            response = await exchange(wire.stream(), request(f"{target}{query}polling", CLOSE))
            assert status(response) == expected
            stream = wire.stream()
            await stream.send_all(upgrade(f"{target}{query}websocket"))
            assert status(await stream.receive_some(65536)) == (101 if expected == 200 else 404)


@pytest.mark.rows("A14")
@pytest.mark.parametrize("protocol", ["TLS/1.0", "foo", "foo, bar/2", "websocket2"])
async def test_upgrade_to_another_protocol(autojump_clock: Any, running: Any, protocol: str) -> None:
    io = Server()
    async with running(io) as wire:
        start = trio.current_time()
        fields = ["Connection: keep-alive, Upgrade", f"Upgrade: {protocol}"]
        received = await exchange(wire.stream(), request(POLLING, *fields) + request(POLLING))
        assert status(received) == 426
        assert received.count(b"HTTP/1.1") == 1
        assert b"Upgrade: websocket\r\n" in received
        assert b"Connection: close\r\n" in received
        assert status(await exchange(wire.stream(), request("/other", *fields))) == 404
        assert trio.current_time() == start
        assert io.engine.clients_count == 0


@pytest.mark.rows("A14")
async def test_offer_of_http_2_is_ignored(autojump_clock: Any, running: Any) -> None:
    async with running(Server()) as wire:
        fields = [
            "Connection: Upgrade, HTTP2-Settings",
            "Upgrade: h2c",
            "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
        ]
        assert status(await exchange(wire.stream(), request(POLLING, *fields))) == 200


@pytest.mark.rows("B11", "A14")
@pytest.mark.parametrize("trailing", [request(POLLING), b"\x81\x82\x01\x02\x03\x0456", b"\0" * 70_000])
async def test_what_follows_a_refused_upgrade_is_not_read(
    autojump_clock: Any, running: Any, trailing: bytes
) -> None:
    async with running(Server()) as wire:
        for data in (upgrade(Origin="http://b.example"), upgrade("/other"), upgrade(Upgrade="foo")):
            try:
                received = await exchange(wire.stream(), data + trailing)
            except trio.BrokenResourceError:
                continue  # it was sent for longer than it was listened to
            assert received.count(b"HTTP/1.1 ") == 1
        assert wire.io.engine.clients_count == 0
