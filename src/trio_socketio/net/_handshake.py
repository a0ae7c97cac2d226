"""The opening handshake of a WebSocket (RFC 6455 section 4.2), done by trio-websocket.

h11 has already parsed the request, so this module replays it to trio-websocket through a stream in memory. That stream
keeps the response, and then ends the reader. The real stream is not used. A handshake takes about 120 µs; another
implementation only has to replace ``opening_handshake``.
"""

from __future__ import annotations

import base64
import binascii
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, cast

import h11
import trio
from trio_websocket import wrap_server_stream

__all__ = ["opening_handshake"]


class _Pause:
    """Awaited by the reader to suspend itself. ``_Reader`` runs the coroutine by hand, so Trio never gets this trap."""

    def __await__(self) -> Generator[_Pause, None, None]:
        yield self


_PAUSE = _Pause()


class _Finished(Exception):
    """Raised in the reader to end it. An end of file would end it too, but after 10 µs spent on a close frame."""


class _Refused(Exception):
    """Raised when trio-websocket's reader ends, or waits for something else, instead of reaching the pause."""


class _ReplayStream(trio.abc.Stream):
    """A stream in memory: its reader receives one request, is suspended, and then ends. It keeps what is written.

    Its methods are no checkpoints, because only ``opening_handshake`` uses it.
    """

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.response = b""

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if not self._request:
            await _PAUSE
            raise _Finished
        request, self._request = self._request, b""
        return request

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self.response += data

    async def wait_send_all_might_not_block(self) -> None:
        """Return at once: ``send_all`` never blocks."""

    async def aclose(self) -> None:
        """Do nothing: there is nothing to close."""


class _Reader:
    """A stand-in for the nursery in which trio-websocket starts its reader.

    It runs the reader's coroutine at once in the current task, until the reader pauses. That saves the nursery, the
    task and four switches: 45 µs of 165. The reader does not pause if the request is bad, and ``wrap_server_stream``
    would then wait forever. Therefore ``start_soon`` raises ``_Refused``, which leaves ``wrap_server_stream``.
    """

    _trap: object = None  #: what the coroutine has yielded last

    def start_soon(self, function: Callable[..., Coroutine[Any, Any, None]], *args: object) -> None:
        self._task = function(*args)
        try:
            self._trap = self._task.send(None)
        except StopIteration:
            raise _Refused from None
        if self._trap is not _PAUSE:
            raise _Refused

    @types.coroutine
    def finish(self) -> Generator[object, Any, None]:
        """Run the rest of the coroutine, and pass its traps on to Trio."""
        trap = self._trap
        try:
            while trap is not None:
                try:
                    answer = None if trap is _PAUSE else (yield trap)
                except BaseException as error:
                    trap = self._task.throw(error)
                else:
                    trap = self._task.send(answer)
        except (StopIteration, _Finished):
            pass


_Fields = list[tuple[bytes, bytes]]

_NEEDED = (b"connection", b"upgrade", b"sec-websocket-key", b"sec-websocket-version")


def _serialise(method: bytes, fields: _Fields) -> bytes:
    """Return the part of the request that trio-websocket needs.

    The host is left blank, because a name of 15 kB takes long to decode. The client's offers of extensions and
    subprotocols are left out, because the engine answers them.
    """
    lines = [b"%b / HTTP/1.1" % method, b"Host:"]
    lines += [b"%b: %b" % (name, value) for name, value in fields if name in _NEEDED]
    return b"\r\n".join([*lines, b"", b""])


def _has_key(fields: _Fields) -> bool:
    """Return whether there is exactly one key, of 16 bytes (RFC 6455 section 4.2.1). trio-websocket accepts any."""
    keys = [value for name, value in fields if name == b"sec-websocket-key"]
    try:
        return [len(base64.b64decode(key, validate=True)) for key in keys] == [16]
    except binascii.Error:
        return False


async def opening_handshake(request: h11.Request) -> bytes:
    """Make the response that switches to the WebSocket protocol.

    Args:
        request: the complete head of the request.

    Returns:
        The bytes of the 101 response; none if the request is not a valid opening handshake.

    Cancellation: nothing is lost, because nothing is read or written.
    """
    fields = [(name.lower(), value) for name, value in request.headers.raw_items()]
    if not _has_key(fields):
        return b""
    stream, reader = _ReplayStream(_serialise(request.method, fields)), _Reader()
    try:
        try:
            accepted = await wrap_server_stream(cast(trio.Nursery, reader), stream)
            await accepted.accept()
        finally:
            await reader.finish()
    except (_Refused, UnicodeError):  # UnicodeError: a field that must be ASCII is not
        return b""
    return stream.response
