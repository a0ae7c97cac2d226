"""The opening handshake of a WebSocket (RFC 6455 section 4.2), mostly done by trio-websocket.

The request is parsed already, so this module replays it to trio-websocket through a stream in memory. That stream keeps
the response, and then ends the reader. The real stream is not used. This takes 60 times as long as to answer a request
that httptools has parsed, which this module does itself.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, cast

import outcome
import trio
from trio_websocket import wrap_server_stream

from trio_socketio.net._head import Head

__all__ = ["handshake_at_once", "opening_handshake", "plain_handshake"]


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

#: Hashed together with the key of the client (RFC 6455 section 1.3).
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

_SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: %b\r\n\r\n"
)

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


def plain_handshake(head: Head) -> bytes:
    """Return the response to an opening handshake with a plain head and each needed field once.

    The response is the same as that of trio-websocket.

    Returns:
        The bytes of the 101 response; none if ``opening_handshake`` has to decide.
    """
    if not head.is_plain or not _has_key(head.fields):
        return b""
    needed = [field for field in head.fields if field[0] in _NEEDED]
    fields = dict(needed)
    if head.method != b"GET" or len(needed) != len(_NEEDED) or len(fields) != len(_NEEDED):
        return b""
    if fields[b"upgrade"].lower() != b"websocket" or fields[b"sec-websocket-version"] != b"13":
        return b""
    connection = fields[b"connection"]
    if not connection.isascii() or b"upgrade" not in map(bytes.strip, connection.lower().split(b",")):
        return b""
    digest = hashlib.sha1(fields[b"sec-websocket-key"] + _GUID, usedforsecurity=False).digest()
    return _SWITCHING % binascii.b2a_base64(digest, newline=False)


async def opening_handshake(head: Head) -> bytes:
    """Make the response that switches to the WebSocket protocol.

    Args:
        head: the head of the request.

    Returns:
        The bytes of the 101 response; none if the request is not a valid opening handshake.

    Cancellation: nothing is lost, because nothing is read or written.
    """
    if response := plain_handshake(head):
        return response
    if not _has_key(head.fields):
        return b""
    stream, reader = _ReplayStream(_serialise(head.method, head.fields)), _Reader()
    try:
        try:
            accepted = await wrap_server_stream(cast(trio.Nursery, reader), stream)
            await accepted.accept()
        finally:
            await reader.finish()
    except (_Refused, UnicodeError):  # UnicodeError: a field that must be ASCII is not
        return b""
    return stream.response


def _trap_of_checkpoints() -> object:
    """Return what ``trio.lowlevel.cancel_shielded_checkpoint`` yields to Trio."""
    checkpoint = trio.lowlevel.cancel_shielded_checkpoint()  # noqa: ASYNC105  # it is run by hand
    try:
        return checkpoint.send(None)
    finally:
        checkpoint.close()


_CHECKPOINT = _trap_of_checkpoints()


def handshake_at_once(head: Head) -> bytes:
    """Make the response as ``opening_handshake`` does, without letting other tasks run.

    trio-websocket waits for nothing here, but it has three checkpoints. A task for it and three passes of the scheduler
    take longer than the handshake itself, and while many clients connect, they are what others wait for.

    Args:
        head: the head of the request.

    Returns:
        The bytes of the 101 response; none if ``opening_handshake`` has to decide, in a task.
    """
    steps = opening_handshake(head)
    try:
        trap = steps.send(None)
        while True:
            trap = steps.send(outcome.Value(None)) if trap is _CHECKPOINT else steps.throw(_Refused())
    except StopIteration as returned:
        return cast(bytes, returned.value)
    except Exception:  # a later Trio may expect another answer; the task tries again, and reports a bug
        return b""
