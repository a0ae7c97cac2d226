"""The clients of soak.py, in a process of their own: their memory is not the server's.

``python clients.py PORT`` reads the number of a round from each line of its standard input, opens and drops the
connections of that round, and answers with the same line.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Awaitable, Callable

import trio

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
    """A client that sends and receives bytes only."""

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


async def main(port: int) -> None:
    for line in sys.stdin:  # nothing else runs between two rounds
        await one_round(port, int(line) * ROUND)
        print(line, end="", flush=True)


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]))
