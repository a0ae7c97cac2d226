"""WebSocket pings of clients: each is answered with its payload, in its order (RFC 6455 sections 5.5.2, 5.5.3)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import trio
from support.links import only
from support.raw import echo_server, join, read_all, read_until
from support.wire import SioClient, WebSocket, client_frame, server_frames
from trio.testing import wait_all_tasks_blocked
from wsproto.extensions import PerMessageDeflate

from trio_socketio import Outbox

TEXT, PING, PONG = 1, 9, 10


def ping(number: int) -> bytes:
    return client_frame(PING, b"%d" % number)


@pytest.mark.rows("P21")
@pytest.mark.parametrize("count", [2, 10, 1000])
async def test_every_ping_is_answered_in_its_order(autojump_clock: Any, running: Any, count: int) -> None:
    io, _ = echo_server()
    async with running(io) as wire:
        client = await join(wire)
        await client.send_all(b"".join(map(ping, range(count))))
        received = await read_until(client, client_frame(PONG, b"%d" % (count - 1), key=None))
        assert server_frames(received) == [(PONG, b"%d" % number) for number in range(count)]


@pytest.mark.rows("P21")
async def test_pings_that_come_byte_by_byte_are_all_answered(autojump_clock: Any, running: Any) -> None:
    io, _ = echo_server()
    async with running(io) as wire:
        client = await join(wire)
        for number in range(3):
            for byte in ping(number):
                await client.send_all(bytes([byte]))
        received = await read_until(client, b"\x8a\x012")
        assert server_frames(received) == [(PONG, b"0"), (PONG, b"1"), (PONG, b"2")]


@pytest.mark.rows("P21")
async def test_pings_among_compressed_messages_are_all_answered(autojump_clock: Any, running: Any) -> None:
    io, _ = echo_server(per_message_deflate=True)
    async with running(io) as wire:
        stream = wire.stream()
        deflate = PerMessageDeflate()
        ws = await WebSocket(stream).open(f"{io.path}?EIO=4&transport=websocket", extensions=[deflate])
        client = await (await SioClient(ws).start()).connect()
        await stream.send_all(b"".join(map(ping, range(5))))
        await client.emit("echo", "x" * 5000, ack=1)
        await stream.send_all(b"".join(map(ping, range(5, 10))))
        answers = [(await client.receive()) for _ in range(11)]
        pongs = [bytes(answer.payload) for answer in answers if not isinstance(answer, str)]
        assert pongs == [b"%d" % number for number in range(10)]
        assert '31["' + "x" * 5000 + '"]' in answers


@pytest.mark.rows("P21")
async def test_pings_to_a_candidate_are_all_answered(autojump_clock: Any, running: Any) -> None:
    io, _ = echo_server()
    async with running(io) as wire:
        ws = await (await wire.polling()).upgrade()
        await ws.stream.send_all(ping(1) + ping(2))
        assert await read_until(ws.stream, b"\x8a\x012") == b"\x8a\x011\x8a\x012"


@pytest.mark.rows("P21")
async def test_pings_of_a_client_that_does_not_read_are_bounded(autojump_clock: Any, running: Any) -> None:
    io, reasons = echo_server(outbox=Outbox(max_bytes=100_000))
    async with running(io) as wire:
        wire.narrow()
        client = await join(wire)
        await wait_all_tasks_blocked()
        link = only(io)._state.peer.session.link
        frame = client_frame(PING, bytes(125)) * 100
        sent = 0
        with suppress(trio.BrokenResourceError):
            while sent < 1_000_000 and not reasons:
                await client.send_all(frame)
                sent += len(frame)
                await wait_all_tasks_blocked()
        await wait_all_tasks_blocked()
        assert reasons == ["transport error"]
        assert 100_000 <= sent < 400_000
        assert not link.open
        await read_all(client)
