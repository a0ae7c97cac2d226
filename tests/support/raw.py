"""Bytes to a server and back, where a well-behaved client would be in the way."""

from __future__ import annotations

from typing import Any

import trio

from support.wire import Wire, client_frame
from trio_socketio import Server

POLLING = "/socket.io/?EIO=4&transport=polling"
WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"

#: The fields of an opening handshake (RFC 6455 section 4.1); the key is the base64 of sixteen zero bytes.
UPGRADE = {
    "Host": "test",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Version": "13",
}


def request(
    target: str,
    *fields: str,
    method: str = "GET",
    body: bytes = b"",
    version: str = "1.1",
    host: str = "Host: test",
) -> bytes:
    """A request with these header lines and this body, right or wrong."""
    lines = [f"{method} {target} HTTP/{version}", *([host] if host else []), *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def upgrade(target: str = WEBSOCKET, **changes: str | None) -> bytes:
    """An opening handshake; ``Name_of_field="value"`` changes a field, None leaves it out."""
    fields = dict(UPGRADE)
    for name, value in changes.items():
        fields.pop(name.replace("_", "-"), None)
        if value is not None:
            fields[name.replace("_", "-")] = value
    return request(target, *(f"{name}: {value}" for name, value in fields.items()), host="")


async def read_all(stream: trio.abc.Stream) -> bytes:
    """All that comes until the server closes."""
    received = b""
    with trio.fail_after(1000):
        try:
            while data := await stream.receive_some(65536):
                received += data
        except trio.BrokenResourceError:
            pass
    return received


async def read_until(stream: trio.abc.Stream, end: bytes) -> bytes:
    """What comes up to and including ``end``, and what came with it."""
    received = b""
    with trio.fail_after(1000):
        while end not in received:
            data = await stream.receive_some(65536)
            assert data, received
            received += data
    return received


async def exchange(stream: trio.abc.Stream, data: bytes) -> bytes:
    """Send, and read until the server closes."""
    await stream.send_all(data)
    return await read_all(stream)


def status(response: bytes) -> int:
    """The status code of the first response."""
    assert response.startswith(b"HTTP/1.1 "), response
    return int(response[9:12])


def close_frame(code: int) -> bytes:
    """A close frame of a server."""
    return b"\x88\x02" + code.to_bytes(2, "big")


def echo_server(**options: Any) -> tuple[Server, list[str]]:
    """A server with an event that is answered with its argument, and the reasons that sockets ended for."""
    io = Server(**options)
    reasons: list[str] = []

    @io.on("echo")
    async def echo(socket: Any, value: object) -> object:
        return value

    @io.on("disconnect")
    def disconnect(socket: Any, reason: str) -> None:
        reasons.append(reason)

    return io, reasons


async def join(wire: Wire) -> trio.abc.Stream:
    """A client on WebSocket that has joined the main namespace, and answers nothing from now on."""
    stream = wire.stream()
    await stream.send_all(upgrade(WEBSOCKET))
    await read_until(stream, b'"maxPayload"')
    await stream.send_all(client_frame(1, b"40"))
    await read_until(stream, b'40{"sid":"')
    return stream


async def exchange_frames(stream: trio.abc.Stream, *frames: bytes) -> bytes:
    """Send as long as the server takes it, and read until it closes."""
    try:
        for frame in frames:
            await stream.send_all(frame)
    except trio.BrokenResourceError:
        pass
    return await read_all(stream)


def fields(response: bytes) -> list[tuple[str, str]]:
    """The header fields of the first response, names in lower case."""
    lines = response.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    return [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]


async def switched(wire: Wire, target: str = WEBSOCKET, **changes: str) -> bytes:
    """The head of a response that switches protocols."""
    stream = wire.stream()
    await stream.send_all(upgrade(target, **changes))
    received = await read_until(stream, b"\r\n\r\n")
    assert status(received) == 101
    return received
