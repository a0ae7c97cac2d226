"""The opening handshake of a WebSocket (RFC 6455 section 4.2), done by trio-websocket.

h11 has read the request already, so it is replayed to trio-websocket through a stream in memory, which catches the
response and then reports end of file. The real stream is not touched. It costs about 170 µs; this one function is the
place to replace it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import h11
import trio
from trio_websocket import WebSocketRequest, wrap_server_stream

__all__ = ["opening_handshake"]


class _ReplayStream(trio.abc.Stream):
    """Gives one request to read, catches what is written, and ends."""

    def __init__(self, request: bytes, scope: trio.CancelScope) -> None:
        self._request = request
        self._scope = scope
        self._answered = trio.Event()
        self.response = b""

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        if self._request:
            request, self._request = self._request, b""
            return request
        await self._answered.wait()
        return b""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        self.response += data
        self._answered.set()

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        # wrap_server_stream waits for a request that never comes if this one is bad: closing is its only sign.
        self._scope.cancel()
        await trio.lowlevel.checkpoint()


def _serialise(request: h11.Request) -> bytes:
    """The request, as far as the handshake is concerned. Its host is not: a name of 15 kB takes long to decode."""
    lines = [b"%b / HTTP/1.1" % request.method, b"Host: server"]
    lines += [
        b"%b: %b" % (name, value)
        for name, value in request.headers
        if name in (b"connection", b"upgrade") or name.startswith(b"sec-websocket-")
    ]
    return b"\r\n".join([*lines, b"", b""])


def _has_key(request: h11.Request) -> bool:
    """Whether there is one key, of sixteen bytes (RFC 6455 section 4.2.1). trio-websocket takes any."""
    keys = [value for name, value in request.headers if name == b"sec-websocket-key"]
    try:
        return [len(base64.b64decode(key, validate=True)) for key in keys] == [16]
    except binascii.Error:
        return False


async def opening_handshake(
    request: h11.Request, extra_headers: Sequence[tuple[bytes, bytes]] = ()
) -> bytes | None:
    """The response that switches to the WebSocket protocol.

    Args:
        request: the whole request, already read.
        extra_headers: further fields for the response.

    Returns:
        The bytes of the 101 response; None if the request is not a valid opening handshake.

    Cancellation: nothing is lost, nothing was written.
    """
    if not _has_key(request):
        return None
    accepted: WebSocketRequest | None = None
    with trio.CancelScope() as scope:
        stream = _ReplayStream(_serialise(request), scope)
        try:
            async with trio.open_nursery() as nursery:
                accepted = await wrap_server_stream(nursery, stream)
                await accepted.accept(extra_headers=list(extra_headers))
        except* UnicodeError:  # in a field that is to be ASCII
            accepted = None
    return stream.response if accepted is not None and stream.response.startswith(b"HTTP/1.1 101") else None
