"""Raw bytes to and from a server, for requests that a correct client does not send."""

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
    """Return a request with these header lines and this body. It need not be valid."""
    lines = [f"{method} {target} HTTP/{version}", *([host] if host else []), *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def upgrade(target: str = WEBSOCKET, **changes: str | None) -> bytes:
    """Return an opening handshake. ``Name_of_field="value"`` changes a field, and None removes it."""
    fields = dict(UPGRADE)
    for name, value in changes.items():
        fields.pop(name.replace("_", "-"), None)
        if value is not None:
            fields[name.replace("_", "-")] = value
    return request(target, *(f"{name}: {value}" for name, value in fields.items()), host="")


async def read_all(stream: trio.abc.Stream) -> bytes:
    """Read until the server closes the connection."""
    received = b""
    with trio.fail_after(1000):
        try:
            while data := await stream.receive_some(65536):
                received += data
        except trio.BrokenResourceError:
            pass
    return received


async def read_until(stream: trio.abc.Stream, end: bytes) -> bytes:
    """Read up to ``end``. The result may contain bytes after it."""
    received = b""
    with trio.fail_after(1000):
        while end not in received:
            data = await stream.receive_some(65536)
            assert data, received
            received += data
    return received


async def exchange(stream: trio.abc.Stream, data: bytes) -> bytes:
    """Send data, and read until the server closes the connection."""
    await stream.send_all(data)
    return await read_all(stream)


def status(response: bytes) -> int:
    """Return the status code of the first response."""
    assert response.startswith(b"HTTP/1.1 "), response
    return int(response[9:12])


def close_frame(code: int) -> bytes:
    """Return a close frame of a server."""
    return b"\x88\x02" + code.to_bytes(2, "big")


def echo_server(**options: Any) -> tuple[Server, list[str]]:
    """Return a server that acknowledges the event "echo" with its argument, and a list of disconnect reasons."""
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
    """Join the main namespace over WebSocket. The client does not answer pings."""
    stream = wire.stream()
    await stream.send_all(upgrade(WEBSOCKET))
    await read_until(stream, b'"maxPayload"')
    await stream.send_all(client_frame(1, b"40"))
    await read_until(stream, b'40{"sid":"')
    return stream


async def exchange_frames(stream: trio.abc.Stream, *frames: bytes) -> bytes:
    """Send frames until the server closes the connection or all are sent, and read until it closes."""
    try:
        for frame in frames:
            await stream.send_all(frame)
    except trio.BrokenResourceError:
        pass
    return await read_all(stream)


def fields(response: bytes) -> list[tuple[str, str]]:
    """Return the header fields of the first response, with names in lower case."""
    lines = response.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    return [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]


async def switched(wire: Wire, target: str = WEBSOCKET, **changes: str) -> bytes:
    """Open a WebSocket, and return the head of the 101 response."""
    stream = wire.stream()
    await stream.send_all(upgrade(target, **changes))
    received = await read_until(stream, b"\r\n\r\n")
    assert status(received) == 101
    return received
