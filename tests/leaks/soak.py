"""Open and drop connections in every way there is, and report what stayed behind.

Run by test_leaks.py in a process of its own: ``python soak.py CONNECTIONS`` prints a line of JSON ten times; what it
keeps itself would count as a leak.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import socket
import struct
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from trio_socketio import Server, Socket

ROUND = 1000
AT_ONCE = 50

OPENING = (
    b"GET /socket.io/?EIO=4&transport=websocket%b HTTP/1.1\r\nHost: test\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
POLL = b"GET /socket.io/?EIO=4&transport=polling%b HTTP/1.1\r\nHost: test\r\n\r\n"
POST = b"POST /socket.io/?EIO=4&transport=polling%b HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n%b"


def frame(opcode: int, payload: bytes) -> bytes:
    assert len(payload) < 126
    return bytes([0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload


class Peer:
    """A client that only knows bytes."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.streams: list[trio.SocketStream] = []

    async def open(self) -> trio.SocketStream:
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        self.streams.append(stream)
        return stream

    async def websocket(self, query: bytes = b"") -> trio.SocketStream:
        stream = await self.open()
        await stream.send_all(OPENING % query)
        await self.until(stream, b"\r\n\r\n" if query else b"maxPayload")
        return stream

    async def polling(self) -> tuple[trio.SocketStream, bytes]:
        stream = await self.open()
        await stream.send_all(POLL % b"")
        answer = await self.until(stream, b'"maxPayload":1000000}')
        return stream, b"&sid=" + answer.split(b'"sid":"')[1][:20]

    async def joined(self) -> trio.SocketStream:
        stream = await self.websocket()
        await stream.send_all(frame(1, b"40"))
        await self.until(stream, b'40{"sid"')
        return stream

    @staticmethod
    async def until(stream: trio.SocketStream, text: bytes) -> bytes:
        data = b""
        while text not in data:
            received = await stream.receive_some(65536)
            if not received:
                raise EOFError(f"no {text!r} in {data!r}")
            data += bytes(received)
        return data

    async def close(self, number: int) -> None:
        """Half of them end by a reset."""
        for stream in self.streams:
            if number % 2:
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            stream.socket.close()


async def silent(peer: Peer) -> None:
    await peer.open()


async def half_a_head(peer: Peer) -> None:
    await (await peer.open()).send_all(OPENING[:60])


async def bad_request(peer: Peer) -> None:
    stream = await peer.open()
    await stream.send_all(POLL % b"&sid=nobody")
    await peer.until(stream, b"Session ID unknown")


async def before_the_open_packet(peer: Peer) -> None:
    await (await peer.open()).send_all(OPENING % b"")


async def no_namespace(peer: Peer) -> None:
    await peer.websocket()


async def in_the_middle_of_a_message(peer: Peer) -> None:
    await (await peer.joined()).send_all(frame(1, b'42["echo","abcdefgh"]')[:12])


async def attachments_missing(peer: Peer) -> None:
    await (await peer.joined()).send_all(
        frame(1, b'452-["echo",{"_placeholder":true,"num":0}]') + frame(2, b"one")
    )


async def bad_packet(peer: Peer) -> None:
    stream = await peer.joined()
    await stream.send_all(frame(1, b"42["))
    await peer.until(stream, b"\x88")


async def handler_running(peer: Peer) -> None:
    await (await peer.joined()).send_all(frame(1, b'42["hang"]'))


async def call_pending(peer: Peer) -> None:
    stream = await peer.joined()
    await stream.send_all(frame(1, b'42["call"]'))
    await peer.until(stream, b'["ask"]')


async def clean(peer: Peer) -> None:
    stream = await peer.joined()
    await stream.send_all(frame(1, b'420["echo","hello"]'))
    await peer.until(stream, b'430["hello"]')
    await stream.send_all(frame(8, b"\x03\xe8"))
    await peer.until(stream, b"\x88\x02\x03\xe8")


async def polling_abandoned(peer: Peer) -> None:
    await peer.polling()


async def poll_waiting(peer: Peer) -> None:
    stream, sid = await peer.polling()
    await stream.send_all(POLL % sid)


async def half_a_post(peer: Peer) -> None:
    stream, sid = await peer.polling()
    await stream.send_all(POST % (sid, 50, b"40"))


async def polling_clean(peer: Peer) -> None:
    stream, sid = await peer.polling()
    await stream.send_all(POST % (sid, 1, b"1"))
    await peer.until(stream, b"ok")


async def probe_and_away(peer: Peer) -> None:
    _, sid = await peer.polling()
    stream = await peer.websocket(sid)
    await stream.send_all(frame(1, b"2probe"))
    await peer.until(stream, b"3probe")


async def upgraded(peer: Peer) -> None:
    _, sid = await peer.polling()
    stream = await peer.websocket(sid)
    await stream.send_all(frame(1, b"2probe") + frame(1, b"5") + frame(1, b"40"))
    await peer.until(stream, b'40{"sid"')


WAYS: list[Callable[[Peer], Awaitable[None]]] = [
    silent, half_a_head, bad_request, before_the_open_packet, no_namespace, in_the_middle_of_a_message,
    attachments_missing, bad_packet, handler_running, call_pending, clean, polling_abandoned, poll_waiting, half_a_post,
    polling_clean, probe_and_away, upgraded,
]  # fmt: skip


def chat() -> Server:
    io = Server(ping_interval=2, ping_timeout=2, connect_timeout=3, attachment_timeout=3)

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        socket.join("lobby")
        await socket.to("lobby").emit("joined", socket.id)

    @io.on("echo")
    async def echo(socket: Socket, text: str) -> str:
        await io.to("lobby").emit("said", text)
        return text

    @io.on("hang")
    async def hang(socket: Socket) -> None:
        socket.nursery.start_soon(trio.sleep_forever)
        await trio.sleep_forever()

    @io.on("call")
    async def call(socket: Socket) -> None:
        await socket.call("ask")

    return io


def census() -> Counter[str]:
    """Living objects of the package, by type."""
    return Counter(
        type(thing).__qualname__
        for thing in gc.get_objects()
        if str(type(thing).__module__).startswith("trio_socketio")
    )


class MallInfo(ctypes.Structure):
    """What the C library says of its heap (``struct mallinfo2``)."""

    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]


LIBC = ctypes.CDLL(None)
LIBC.mallinfo2.restype = MallInfo


def malloced_bytes() -> int:
    """What the C library has handed out: all C objects, and Python objects of more than 512 bytes."""
    info = LIBC.mallinfo2()
    return int(info.uordblks + info.hblkhd)


def resident_bytes() -> int:
    """Anonymous memory: pages of program files that are read in when code first runs are not counted."""
    LIBC.malloc_trim(0)
    with open("/proc/self/status") as status:
        (line,) = [line for line in status if line.startswith("RssAnon:")]
    return int(line.split()[1]) * 1024


async def settle(io: Server) -> dict[str, Any]:
    """Wait until the server is alone again; what is there then."""
    with trio.fail_after(20):
        # nobody is told when a server is alone again
        while io.engine.sessions or len(io.engine.wheel) or io._require_runtime()._busy:  # noqa: ASYNC110
            await trio.sleep(0.05)
    gc.collect()
    return {
        "objects": dict(census()),
        "tasks": trio.lowlevel.current_statistics().tasks_living,
        "descriptors": len(os.listdir("/proc/self/fd")),
        "small_blocks": sys.getallocatedblocks(),
        "malloced": malloced_bytes(),
        "resident": resident_bytes(),
    }


async def one(port: int, number: int, limit: trio.CapacityLimiter, may_close: trio.Event) -> None:
    peer = Peer(port)
    try:
        async with limit:
            await WAYS[number % len(WAYS)](peer)
        await may_close.wait()
    finally:
        await peer.close(number // len(WAYS))


async def one_round(port: int, start: int) -> None:
    """In the first round all stay until the last has come.

    So tables and heaps have their largest size from then on, and what grows afterwards is a leak.
    """
    limit, may_close = trio.CapacityLimiter(AT_ONCE), trio.Event()
    async with trio.open_nursery() as nursery:
        if start:
            may_close.set()
        for number in range(start, start + ROUND):
            nursery.start_soon(one, port, number, limit, may_close)
        if not start:
            while limit.statistics().tasks_waiting or limit.borrowed_tokens:  # noqa: ASYNC110
                await trio.sleep(0.05)
            may_close.set()


async def main(connections: int) -> None:
    io = chat()
    async with io, trio.open_nursery() as nursery:
        listeners = await nursery.start(io.serve, "127.0.0.1", 0)
        port = listeners[0].socket.getsockname()[1]
        for start in range(0, connections, ROUND):
            await one_round(port, start)
            if (start + ROUND) % (connections // 10) == 0:
                print(json.dumps(await settle(io)), flush=True)
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]))
