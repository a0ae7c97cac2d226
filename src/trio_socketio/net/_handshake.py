"""The opening handshake of a WebSocket (RFC 6455 section 4.2), done by trio-websocket.

h11 has read the request already, so it is replayed to trio-websocket through a stream in memory, which catches the
response and then ends the reader. The real stream is not touched. It costs about 120 µs; this one function is the place
to replace it.
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
    """What a task that is run by hand awaits to be left alone; Trio never sees it."""

    def __await__(self) -> Generator[_Pause, None, None]:
        yield self


_PAUSE = _Pause()


class _Finished(Exception):
    """Ends the reader; at an end of file it would still compose a close frame, for 10 µs."""


class _Refused(Exception):
    """trio-websocket wants no more of the request, nor to give it to us."""


class _ReplayStream(trio.abc.Stream):
    """Gives one request to read, lets its reader pause, and ends it; catches what is written.

    It has no checkpoints: nobody but ``opening_handshake`` uses it.
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
        """It never does."""

    async def aclose(self) -> None:
        """There is nothing to close."""


class _Reader:
    """Stands in for the nursery of trio-websocket's reader, which runs at once up to its pause, in our own task.

    That saves the nursery, the task and four switches, 45 µs of 165. A bad request does not come to the pause; then
    ``wrap_server_stream`` would wait for ever, so the exception leads out of it.
    """

    _trap: object = None  #: what the task waits for

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
        """Run the rest, and let Trio do what it asks of it."""
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
    """The request, as far as trio-websocket is concerned.

    Its host is not: a name of 15 kB takes long to decode. Nor is what the client offers, which others answer.
    """
    lines = [b"%b / HTTP/1.1" % method, b"Host:"]
    lines += [b"%b: %b" % (name, value) for name, value in fields if name in _NEEDED]
    return b"\r\n".join([*lines, b"", b""])


def _has_key(fields: _Fields) -> bool:
    """Whether there is one key, of sixteen bytes (RFC 6455 section 4.2.1). trio-websocket takes any."""
    keys = [value for name, value in fields if name == b"sec-websocket-key"]
    try:
        return [len(base64.b64decode(key, validate=True)) for key in keys] == [16]
    except binascii.Error:
        return False


async def opening_handshake(request: h11.Request) -> bytes:
    """The response that switches to the WebSocket protocol.

    Args:
        request: the whole request, already read.

    Returns:
        The bytes of the 101 response; none if the request is not a valid opening handshake.

    Cancellation: nothing is lost, nothing was written.
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
    except (_Refused, UnicodeError):  # the latter for a field that is to be ASCII
        return b""
    return stream.response
