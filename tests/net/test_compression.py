"""permessage-deflate and subprotocols on the wire, against wsproto's extension, over both drivers."""

from __future__ import annotations

import time
import zlib
from typing import Any

import pytest
import trio
from support.links import only
from support.raw import (
    WEBSOCKET,
    close_frame,
    echo_server,
    exchange,
    exchange_frames,
    read_until,
    status,
    upgrade,
)
from support.wire import SioClient, WebSocket, Wire, client_frame
from wsproto.extensions import PerMessageDeflate as ClientDeflate

from trio_socketio import EngineServer, PerMessageDeflate, Server, Socket

AGREED = b"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
RSV1, TEXT, BINARY, PING = 4, 1, 2, 9
THREE = b"\x32\x06\x00"  # "3" as Chromium sends it
TEXT_1000 = "tick tock " * 100


def compressing(**options: Any) -> tuple[Server, list[str]]:
    """An echo server that compresses what is larger than an open packet."""
    return echo_server(per_message_deflate=PerMessageDeflate(threshold=200), **options)


async def session(wire: Wire, query: str = "") -> SioClient:
    """A session whose messages may be compressed in both directions."""
    ws = WebSocket(wire.stream())
    await ws.open(WEBSOCKET + query, extensions=[ClientDeflate()])
    return await SioClient(ws).start()


async def agreed(wire: Wire) -> trio.abc.Stream:
    """The same in bytes; it has joined the main namespace."""
    stream = wire.stream()
    await stream.send_all(upgrade(Sec_WebSocket_Extensions="permessage-deflate"))
    await read_until(stream, b"}")
    await stream.send_all(client_frame(TEXT, b"40"))
    await read_until(stream, b'40{"sid":"')
    return stream


def compressed(message: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    payload = compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return payload.removesuffix(b"\x00\x00\xff\xff")


# what is agreed upon


@pytest.mark.rows("C32")
async def test_compression_is_agreed_in_the_opening_handshake(autojump_clock: Any, running: Any) -> None:
    async with running(Server(per_message_deflate=True)) as wire:
        stream = wire.stream()
        await stream.send_all(upgrade(Sec_WebSocket_Extensions="permessage-deflate; client_max_window_bits"))
        head, _, _ = (await read_until(stream, b"}")).partition(b"\r\n\r\n")
        assert head.count(b"\r\n" + AGREED[:-2]) == 1


@pytest.mark.rows("C32")
@pytest.mark.parametrize(("option", "offer"), [(False, "permessage-deflate"), (True, None), (True, "other")])
async def test_without_option_or_offer_nothing_is_agreed(
    autojump_clock: Any, running: Any, option: bool, offer: str | None
) -> None:
    async with running(Server(per_message_deflate=option)) as wire:
        stream = wire.stream()
        await stream.send_all(upgrade(Sec_WebSocket_Extensions=offer))
        assert b"extensions" not in (await read_until(stream, b"}")).lower()
        received = await exchange(stream, client_frame(TEXT, THREE, rsv=RSV1))
        assert received.endswith(close_frame(1002))


@pytest.mark.rows("C32")
async def test_bytes_right_behind_the_handshake_may_be_compressed(autojump_clock: Any, running: Any) -> None:
    io, _ = compressing()
    async with running(io) as wire:
        stream = wire.stream()
        await stream.send_all(
            upgrade(Sec_WebSocket_Extensions="permessage-deflate")
            + client_frame(TEXT, compressed(b"40"), rsv=RSV1)
        )
        await read_until(stream, b'40{"sid":"')


HOSTILE = {
    "object-model names": "constructor, __proto__, permessage-deflate; toString",
    "out of range": "permessage-deflate; server_max_window_bits=7",
    "far out of range": "permessage-deflate; server_max_window_bits=" + "9" * 4000,
    "doubled": "permessage-deflate; client_max_window_bits; client_max_window_bits",
    "sixty": ", ".join(f"permessage-deflate; unknown{i}" for i in range(60)),
    "4 kB": "permessage-deflate; " + "x" * 4000,
    "commas": "," * 8000,
    "semicolons": "permessage-deflate" + ";" * 8000,
    "unbalanced quote": 'permessage-deflate; server_max_window_bits="15',
    "not ASCII": "permessage-deflate; \xe4",
}


@pytest.mark.rows("C32")
@pytest.mark.parametrize("offers", HOSTILE.values(), ids=HOSTILE.keys())
async def test_hostile_extension_offers_are_declined_quickly(
    autojump_clock: Any, running: Any, offers: str
) -> None:
    io, _ = compressing()
    async with running(io) as wire:
        stream = wire.stream()
        began = time.perf_counter()
        await stream.send_all(upgrade(Sec_WebSocket_Extensions=offers))
        received = await read_until(stream, b"}")
        assert time.perf_counter() - began < 0.5  # it takes a millisecond; the machine may be busy
        assert status(received) == 101
        assert b"extensions" not in received.lower()


@pytest.mark.rows("C39")
@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        (["v2.chat", "v1.chat"], "v2.chat"),  # the client's order
        (["other", "v1.chat"], "v1.chat"),
        (["other"], None),
        ([], None),
    ],
)
async def test_subprotocols(autojump_clock: Any, running: Any, asked: list[str], chosen: str | None) -> None:
    async with running(Server(subprotocols=["v1.chat", "v2.chat"])) as wire:
        ws = await WebSocket(wire.stream()).open(WEBSOCKET, subprotocols=asked)
        assert ws.accepted.subprotocol == chosen


@pytest.mark.rows("C39")
@pytest.mark.parametrize("asked", [" " * 8000 + "v1.chat", "\t," * 4000 + "v1.chat", "v1.chat, v1.chat"])
async def test_hostile_subprotocol_lists_are_parsed_quickly(
    autojump_clock: Any, running: Any, asked: str
) -> None:
    async with running(Server(subprotocols=["v1.chat"])) as wire:
        stream = wire.stream()
        began = time.perf_counter()
        await stream.send_all(upgrade(Sec_WebSocket_Protocol=asked))
        received = await read_until(stream, b"}")
        assert time.perf_counter() - began < 0.5
        assert received.count(b"\r\nSec-WebSocket-Protocol: v1.chat\r\n") == 1


# messages


@pytest.mark.rows("C32")
async def test_messages_are_compressed_both_ways(autojump_clock: Any, running: Any) -> None:
    io, _ = compressing()
    async with running(io) as wire:
        client = await (await session(wire)).connect()
        for _ in range(3):
            assert await client.call("echo", TEXT_1000) == [TEXT_1000]
            assert await client.call("echo", "s") == ["s"]


@pytest.mark.rows("C32")
async def test_compressed_message_is_answered_compressed(autojump_clock: Any, running: Any) -> None:
    io, _ = compressing()
    async with running(io) as wire:
        stream = await agreed(wire)
        await stream.send_all(client_frame(TEXT, compressed(f'421["echo","{TEXT_1000}"]'.encode()), rsv=RSV1))
        expected = compressed(f'431["{TEXT_1000}"]'.encode())
        await read_until(stream, bytes([0xC1, len(expected)]) + expected)
        await stream.send_all(client_frame(TEXT, b'422["echo",1]'))
        await read_until(stream, b"\x81\x06432[1]")


@pytest.mark.rows("C32", "C13")
async def test_an_upgrade_brings_compression(autojump_clock: Any, running: Any) -> None:
    io, _ = compressing()
    async with running(io) as wire:
        polling = await (await wire.polling()).connect()
        ws = WebSocket(wire.stream())
        await ws.open(f"{WEBSOCKET}&sid={polling.sid}", extensions=[ClientDeflate()])
        await ws.send("2probe")
        assert await ws.receive() == "3probe"
        await ws.send("5")
        client = SioClient(ws)
        assert await client.call("echo", TEXT_1000) == [TEXT_1000]
        assert only(io)._state.peer.session.link.inflight_bytes == 0
        dialect = only(io)._state.peer.session.link.dialect
        assert dialect is not None
        assert dialect.deflate is not None


@pytest.mark.rows("C32", "C33")
async def test_a_broadcast_reaches_all_kinds_of_clients(autojump_clock: Any, running: Any) -> None:
    io, _ = compressing(allow_eio3=True)
    async with running(io) as wire:
        clients = [await (await session(wire)).connect() for _ in range(3)]
        clients.append(await wire.connect())
        polling = await (await wire.polling()).connect()
        old = WebSocket(wire.stream())
        await old.open(WEBSOCKET.replace("EIO=4", "EIO=3"), extensions=[ClientDeflate()])
        assert str(await old.receive())[0] == "0"
        assert str(await old.receive()).startswith("40")
        await io.emit("all", TEXT_1000, bytes(1000))
        for client in clients:
            assert str(await client.receive()).startswith('51-["all"')
            assert await client.receive() == bytes(1000)
        assert (await polling.get()).text.startswith(f'451-["all","{TEXT_1000}')
        assert str(await old.receive()).startswith('451-["all"')
        assert await old.receive() == b"\x04" + bytes(1000)


@pytest.mark.rows("C32", "C20")
async def test_a_heartbeat_may_be_answered_compressed(autojump_clock: Any, running: Any) -> None:
    io, reasons = compressing()
    async with running(io) as wire:
        stream = await agreed(wire)
        for _ in range(4):
            await read_until(stream, b"\x81\x012")
            await stream.send_all(client_frame(TEXT, THREE, rsv=RSV1))
        assert trio.current_time() == 100
        assert reasons == []


# what fails the connection

FRAMES = {
    "garbage": (1007, client_frame(TEXT, b"\xff\xff\xff", rsv=RSV1)),
    "cut off": (1007, client_frame(BINARY, THREE[:1], rsv=RSV1)),
    "not UTF-8": (1007, client_frame(TEXT, compressed(b"4\xff"), rsv=RSV1)),
    "inflated too big": (1009, client_frame(TEXT, compressed(b"4" * 1001), rsv=RSV1)),
    "a bomb": (1009, client_frame(BINARY, compressed(bytes(1 << 20)), rsv=RSV1)),
    "compressed too big": (1009, client_frame(BINARY, bytes(1190), rsv=RSV1)[:8]),
    "control frame": (1002, client_frame(PING, THREE, rsv=RSV1)),
    "continuation": (1002, client_frame(TEXT, THREE, fin=False, rsv=RSV1) + client_frame(0, b"", rsv=RSV1)),
    "reserved bit 2": (1002, client_frame(TEXT, THREE, rsv=RSV1 | 2)),
}


@pytest.mark.rows("C25", "C32", "C40")
@pytest.mark.parametrize(("code", "frame"), FRAMES.values(), ids=FRAMES.keys())
async def test_compressed_frames_that_fail_the_connection(
    autojump_clock: Any, running: Any, code: int, frame: bytes
) -> None:
    io, reasons = compressing(max_http_buffer_size=1000)
    async with running(io) as wire:
        client, other = await agreed(wire), await (await session(wire)).connect()
        received = await exchange_frames(client, frame, client_frame(TEXT, b'421["echo",1]'))
        assert received.endswith(close_frame(code))
        assert b"431" not in received
        assert reasons == ["transport error"]
        assert await other.call("echo", "unharmed" * 30) == ["unharmed" * 30]


@pytest.mark.rows("C13", "C14", "C40")
@pytest.mark.parametrize(("code", "frame"), FRAMES.values(), ids=FRAMES.keys())
async def test_compressed_frames_fail_an_upgrade_that_is_not_complete(
    autojump_clock: Any, running: Any, code: int, frame: bytes
) -> None:
    io, reasons = compressing(max_http_buffer_size=1000)
    async with running(io) as wire:
        polling = await (await wire.polling()).connect()
        stream, target = wire.stream(), f"{WEBSOCKET}&sid={polling.sid}"
        await stream.send_all(upgrade(target, Sec_WebSocket_Extensions="permessage-deflate"))
        await read_until(stream, b"\r\n\r\n")
        received = await exchange_frames(stream, frame)
        assert received.startswith(b"\x88")
        assert int.from_bytes(received[2:4], "big") == code
        only(io).emit_nowait("x")
        assert (await polling.get()).text == '42["x"]'
        assert reasons == []


@pytest.mark.rows("C25", "C32")
async def test_compressed_message_of_exactly_the_limit(autojump_clock: Any, running: Any) -> None:
    io, reasons = compressing(max_http_buffer_size=1000)
    async with running(io) as wire:
        client = await (await session(wire)).connect()
        assert await client.call("echo", "x" * 985) == ["x" * 985]  # 1000 bytes with what is around it
        assert reasons == []


# what need not be compressed


@pytest.mark.rows("C32")
@pytest.mark.parametrize("how", ["socket", "volatile", "nowait", "namespace", "server", "room", "but one"])
async def test_compress_false_keeps_messages_as_they_are(autojump_clock: Any, running: Any, how: str) -> None:
    io, _ = compressing()

    @io.on("connection")
    def connection(socket: Socket) -> None:
        socket.join("room")

    async with running(io) as wire:
        await (await session(wire)).connect()
        stream = await agreed(wire)
        first, socket = io.sockets.values()
        for compress in (False, True):
            sender = {
                "socket": socket.compress(compress),
                "volatile": socket.volatile.compress(compress),
                "nowait": socket.compress(compress),
                "namespace": io.of("/").compress(compress),
                "server": io.compress(compress),
                "room": io.to("room").compress(compress),
                "but one": first.compress(compress).broadcast,
            }[how]
            if how == "nowait":
                sender.emit_nowait("x", TEXT_1000)
            else:
                await sender.emit("x", TEXT_1000)
            content = f'42["x","{TEXT_1000}"]'.encode()
            await read_until(stream, compressed(content) if compress else b"\x81\x7e\x03\xf2" + content)


@pytest.mark.rows("C32", "A12")
@pytest.mark.parametrize("data", [TEXT_1000, TEXT_1000.encode()])
async def test_compress_false_keeps_messages_of_an_engine_as_they_are(
    autojump_clock: Any, running: Any, data: str | bytes
) -> None:
    eio = EngineServer(path="/socket.io/", per_message_deflate=PerMessageDeflate(threshold=200))
    async with running(eio) as wire:
        stream = wire.stream()
        await stream.send_all(upgrade(Sec_WebSocket_Extensions="permessage-deflate"))
        await read_until(stream, b"}")
        (socket,) = eio.clients
        content = f"4{data}".encode() if isinstance(data, str) else data
        plain = (
            bytes([0x81 if isinstance(data, str) else 0x82, 126]) + len(content).to_bytes(2, "big") + content
        )
        for compress, expected in ((False, plain), (True, compressed(content))):
            await socket.send(data, compress=compress)
            await read_until(stream, expected)
            socket.send_nowait(data, compress=compress)
            await read_until(stream, expected)
        await socket.send(data)
        await read_until(stream, expected)
