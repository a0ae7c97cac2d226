"""WebSocket frames on the wire: messages, and what fails the connection (RFC 6455 sections 5 and 7.1.7)."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.raw import close_frame, echo_server, exchange_frames, join, read_until
from support.wire import client_frame

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

BAD_FRAMES = {
    "unmasked": (1002, client_frame(TEXT, b"42[]", key=None)),
    "reserved bit 1": (1002, client_frame(TEXT, b"x", rsv=4)),
    "reserved bit 3 on a ping": (1002, client_frame(PING, b"", rsv=1)),
    "reserved opcode 3": (1002, client_frame(3, b"x")),
    "reserved opcode 11": (1002, client_frame(11, b"")),
    "fragmented ping": (1002, client_frame(PING, b"", fin=False)),
    "long ping": (1002, client_frame(PING, bytes(126))),
    "continuation of nothing": (1002, client_frame(0, b"x")),
    "message in a message": (1002, client_frame(TEXT, b"4", fin=False) + client_frame(TEXT, b"4")),
    "length of 2**63": (1002, b"\x81\xff" + b"\x80" + bytes(7) + b"mask"),
    "length not minimal": (1002, b"\x81\xfe\x00\x05mask"),
    "close with one byte": (1002, client_frame(CLOSE, b"\x03")),
    "close code 999": (1002, client_frame(CLOSE, b"\x03\xe7")),
    "close code 1005": (1002, client_frame(CLOSE, b"\x03\xed")),
    "close code 5000": (1002, client_frame(CLOSE, b"\x13\x88")),
    "not UTF-8": (1007, client_frame(TEXT, b"4\xff")),
    "surrogate": (1007, client_frame(TEXT, b"4\xed\xa0\x80")),
    "cut character": (1007, client_frame(TEXT, b"4\xe2\x82")),
    "over-long": (1007, client_frame(TEXT, b"4\xc0\xaf")),
    "not UTF-8 and not ended": (1007, client_frame(TEXT, b"4\xff", fin=False)),
    "close reason not UTF-8": (1007, client_frame(CLOSE, b"\x03\xe8\xff")),
    "too big by its head": (1009, client_frame(TEXT, bytes(1001))[:8]),
    "binary too big": (1009, client_frame(BINARY, bytes(1001))[:8]),
    "2**40": (1009, b"\x81\xff" + (2**40).to_bytes(8, "big") + b"mask"),
    "fragments too big": (1009, client_frame(TEXT, b"4" * 600, fin=False) + client_frame(0, b"4" * 401)[:8]),
    "too many fragments": (1008, client_frame(TEXT, b"4", fin=False) + client_frame(0, b"", fin=False) * 16),
}


@pytest.mark.rows("C40", "C25")
@pytest.mark.parametrize(("code", "frame"), BAD_FRAMES.values(), ids=BAD_FRAMES.keys())
@pytest.mark.parametrize("split", [False, True])
async def test_frame_that_breaks_the_protocol_fails_the_connection(
    autojump_clock: Any, running: Any, code: int, frame: bytes, split: bool
) -> None:
    io, reasons = echo_server(max_http_buffer_size=1000, max_fragments=16)
    async with running(io) as wire:
        client, other = await join(wire), await wire.connect()
        frames = [frame[i : i + 1] for i in range(len(frame))] if split else [frame]
        after = client_frame(TEXT, b'421["echo",1]')
        began = trio.current_time()
        received = await exchange_frames(client, *frames, after)
        assert received.endswith(close_frame(code))
        assert b"431" not in received
        assert reasons == ["transport error"]
        assert trio.current_time() - began <= 2.0
        assert await other.call("echo", "unharmed") == ["unharmed"]
        assert io.engine.clients_count == 1


@pytest.mark.rows("C25", "C2")
@pytest.mark.parametrize("fragments", [1, 2, 16])
async def test_message_of_exactly_the_limit(autojump_clock: Any, running: Any, fragments: int) -> None:
    io, reasons = echo_server(max_http_buffer_size=1000, max_fragments=16)
    async with running(io) as wire:
        client = await join(wire)
        message = b'421["echo","' + b"x" * 986 + b'"]'
        assert len(message) == 1000
        size = -(-len(message) // fragments)
        parts = [message[i : i + size] for i in range(0, len(message), size)]
        for number, part in enumerate(parts):
            ping = client_frame(PING, b"between")  # control frames may come between the fragments
            frame = client_frame(0 if number else TEXT, part, fin=number == len(parts) - 1)
            await client.send_all(frame + ping)
        await read_until(client, b'431["' + b"x" * 986 + b'"]')
        assert reasons == []


@pytest.mark.rows("C2")
async def test_binary_message_has_no_prefix(autojump_clock: Any, running: Any) -> None:
    io, _ = echo_server()
    async with running(io) as wire:
        client = await join(wire)
        await client.send_all(
            client_frame(TEXT, b'451-7["echo",{"_placeholder":true,"num":0}]')
            + client_frame(BINARY, b"\x01\x02", fin=False) + client_frame(0, b"\x03")
        )  # fmt: skip
        head = b'461-7[{"_placeholder":true,"num":0}]'
        await read_until(client, bytes([0x81, len(head)]) + head + b"\x82\x03\x01\x02\x03")


async def test_one_byte_at_a_time(autojump_clock: Any, running: Any) -> None:
    io, _ = echo_server()
    async with running(io) as wire:
        client = await join(wire)
        for byte in client_frame(TEXT, '421["echo","€😀"]'.encode()):
            await client.send_all(bytes([byte]))
        await read_until(client, '431["€😀"]'.encode())


async def test_ping_is_answered_with_its_payload(autojump_clock: Any, running: Any) -> None:
    io, _ = echo_server()
    async with running(io) as wire:
        client = await join(wire)
        await client.send_all(client_frame(PONG, b"nobody asked") + client_frame(PING, b"payload"))
        await read_until(client, b"\x8a\x07payload")


@pytest.mark.rows("F23")
@pytest.mark.parametrize(
    "frame", [client_frame(TEXT, b""), client_frame(TEXT, b"9"), client_frame(TEXT, b"0{}")]
)
async def test_packet_of_a_wrong_type_fails_the_connection(
    autojump_clock: Any, running: Any, frame: bytes
) -> None:
    io, reasons = echo_server()
    async with running(io) as wire:
        client = await join(wire)
        assert (await exchange_frames(client, frame)).endswith(close_frame(1002))
        assert reasons == ["parse error"]


@pytest.mark.rows("C23")
async def test_ping_packet_from_the_client(autojump_clock: Any, running: Any) -> None:
    io, reasons = echo_server()
    async with running(io) as wire:
        client = await join(wire)
        assert (await exchange_frames(client, client_frame(TEXT, b"2"))).endswith(close_frame(1002))
        assert reasons == ["transport error"]
