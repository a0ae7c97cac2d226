"""A server that only opens connections: the floor for servers on Trio with h11 and trio-websocket.

It answers the requests of a connecting client from constants: the polling handshake, the CONNECT, the polls, and the
upgrade with its probe. h11 parses each request, with a new object for each, and trio-websocket does the opening
handshake. There are no options, limits, timeouts, checks or events.
"""

from __future__ import annotations

import argparse
import itertools
import types
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import h11
import trio
from trio_websocket import wrap_server_stream

OPEN = b'0{"sid":"%d","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
CONNECTED = b'40{"sid":"%d"}'
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: %d\r\n\r\n%b"
PING, PONG = 0x89, b"\x8a\x00"


@dataclass(slots=True)
class Session:
    """A client: its number, the packets for its next poll, and whether it has probed the WebSocket."""

    number: int
    packets: list[bytes] = field(default_factory=list)
    has_packets: trio.Event = field(default_factory=trio.Event)
    is_upgrading: bool = False

    def put(self, packet: bytes) -> None:
        """Answer the waiting poll with a packet, or the next one."""
        self.packets.append(packet)
        self.has_packets.set()

    async def poll(self) -> bytes:
        """Return the packets, when there are some. After the probe, return a noop if there are none."""
        await self.has_packets.wait()
        payload = b"\x1e".join(self.packets)
        self.packets.clear()
        if not self.is_upgrading:
            self.has_packets = trio.Event()
        return payload or b"6"

    def upgrade(self) -> None:
        """Answer the waiting poll and all later ones, so that the client stops polling."""
        self.is_upgrading = True
        self.has_packets.set()


async def requests(stream: trio.SocketStream) -> AsyncGenerator[tuple[h11.Request, bytes]]:
    """Yield the requests of a connection with their bodies, until it ends."""
    rest = b""
    while True:
        http = h11.Connection(h11.SERVER)
        if rest:
            http.receive_data(rest)
        request, body = None, b""
        while (event := http.next_event()) is not h11.PAUSED and not isinstance(event, h11.EndOfMessage):
            if event is h11.NEED_DATA:
                if not (data := await stream.receive_some()):
                    return
                http.receive_data(data)
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += event.data
        assert request is not None
        rest = bytes(http.trailing_data[0])
        yield request, body


class Handshake(trio.abc.Stream):
    """A stream in memory, and a nursery, for trio-websocket: one request is read, and the response is kept.

    The reader is no task: it runs until it has read the request, and ends after the response.
    """

    def __init__(self, request: h11.Request) -> None:
        self._request = b"GET / HTTP/1.1\r\n%b\r\n" % b"".join(
            b"%b: %b\r\n" % item for item in request.headers if not item[0].endswith(b"extensions")
        )
        self.response = b""

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return the request. The second call suspends the reader."""
        if not self._request:
            await suspend()
        request, self._request = self._request, b""
        return request

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Keep the response."""
        self.response += data

    async def wait_send_all_might_not_block(self) -> None:
        """Return at once."""

    async def aclose(self) -> None:
        """Do nothing."""

    def start_soon(self, function: Callable[..., Coroutine[Any, Any, None]], *args: object) -> None:
        """Run the reader until it is suspended."""
        self._reader = function(*args)
        self._reader.send(None)

    @types.coroutine
    def finish(self) -> Generator[object, Any, None]:
        """End the reader."""
        try:
            trap = self._reader.throw(EndReader())
            while True:
                trap = self._reader.send((yield trap))
        except (EndReader, StopIteration):
            pass


class EndReader(Exception):
    """Raised in the reader to end it."""


@types.coroutine
def suspend() -> Generator[None, Any, None]:
    """Suspend a coroutine that runs outside of Trio."""
    yield


async def opening_handshake(request: h11.Request) -> bytes:
    """Return trio-websocket's response to an opening handshake."""
    handshake: Any = Handshake(request)
    opened = await wrap_server_stream(handshake, handshake)
    await opened.accept()
    await handshake.finish()
    return bytes(handshake.response)


async def frames(stream: trio.SocketStream) -> AsyncGenerator[tuple[int, bytes]]:
    """Yield the first byte and the payload of short masked frames, until the connection ends."""
    data = b""
    while received := await stream.receive_some():
        data += received
        while len(data) >= 6 and len(data) >= (end := 6 + (data[1] & 0x7F)):
            key = data[2:6]
            yield (
                data[0],
                bytes(byte ^ mask for byte, mask in zip(data[6:end], itertools.cycle(key), strict=False)),
            )
            data = data[end:]


async def send(stream: trio.SocketStream, packet: bytes) -> None:
    """Send a packet as a text frame of less than 126 bytes."""
    await stream.send_all(bytes((0x81, len(packet))) + packet)


class Bare:
    """All sessions."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._sessions: dict[bytes, Session] = {}

    def _open(self) -> Session:
        session = Session(next(self._numbers))
        self._sessions[b"%d" % session.number] = session
        return session

    async def handle(self, stream: trio.SocketStream) -> None:
        """Serve a connection until it ends."""
        try:
            async with stream, aclosing(requests(stream)) as made:
                async for request, body in made:
                    _, _, sid = request.target.partition(b"&sid=")
                    if b"transport=websocket" in request.target:
                        await stream.send_all(await opening_handshake(request))
                        await self._websocket(stream, self._sessions.get(sid))
                        return
                    answer = await self._polling(self._sessions.get(sid), body)
                    await stream.send_all(RESPONSE % (len(answer), answer))
        except trio.BrokenResourceError:
            pass

    async def _polling(self, session: Session | None, body: bytes) -> bytes:
        if session is None:
            return OPEN % self._open().number
        if not body:
            return await session.poll()
        session.put(CONNECTED % session.number)
        return b"ok"

    async def _websocket(self, stream: trio.SocketStream, upgrading: Session | None) -> None:
        session = upgrading or self._open()
        if upgrading is None:
            await send(stream, OPEN % session.number)
        try:
            async with aclosing(frames(stream)) as received:
                async for first, packet in received:
                    if packet == b"2probe":
                        await send(stream, b"3probe")
                        session.upgrade()
                    elif packet == b"40":
                        await send(stream, CONNECTED % session.number)
                    elif first == PING:
                        await stream.send_all(PONG)
        finally:
            del self._sessions[b"%d" % session.number]


async def main() -> None:
    """Parse the arguments, serve, and print the port."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    listeners = await trio.open_tcp_listeners(parser.parse_args().port, host="127.0.0.1", backlog=4096)
    print("PORT", listeners[0].socket.getsockname()[1], flush=True)
    await trio.serve_listeners(Bare().handle, listeners)


if __name__ == "__main__":
    trio.run(main)
