"""Reads what a client sends over one HTTP/1.1 connection, and passes it to h11."""

from __future__ import annotations

import os
from enum import Enum, auto

import h11
import trio

from trio_socketio._core import http_head_length
from trio_socketio._signal import Signal
from trio_socketio.net._raw_head import RawHead

__all__ = ["BODY_RECEIVE_BYTES", "RECEIVE_BYTES", "RequestReader", "plain_socket"]

#: How many bytes to read at once. The buffer is allocated before anything has arrived, so it is small, but enough for
#: any head; a body is read in larger pieces.
RECEIVE_BYTES, BODY_RECEIVE_BYTES = 8192, 65536


def plain_socket(stream: trio.abc.Stream) -> trio.socket.SocketType | None:
    """Return the socket of a ``SocketStream``, if ``os.read`` and ``os.write`` work on it; else None."""
    return stream.socket if isinstance(stream, trio.SocketStream) and os.name == "posix" else None


class Answering(Enum):
    """What another task does with the current request."""

    NOTHING = auto()
    WAITS = auto()  #: it waits for an answer to write; if the client disconnects, the request is over
    WRITES = auto()  #: it writes the response; a disconnect of the client is not checked here any more


class RequestReader:
    """Reads requests from a stream and feeds them to h11.

    Each head is first checked by ``RawHead`` or its fast path. If the head is refused, h11 does not get it, and the
    method that received it raises ``h11.RemoteProtocolError``.

    Uses a new h11 connection per request (1 µs). Reusing one means feeding it our responses and calling
    ``start_next_cycle()`` (30 µs).

    Args:
        stream: the stream to read. A broken connection is treated as the end of the stream.
        max_head: the largest size of a head in bytes, and about how many bytes are read ahead.

    Attributes:
        h11: the h11 connection that parses the current request.
        received: how many bytes this h11 connection was given.
        read_bytes: how many bytes to read at once.
    """

    _rest: bytes | None  #: replaces h11's trailing data once ``take_rest`` was called
    _head: RawHead | None  #: checks the head of the current request, if it arrives in pieces

    def __init__(self, stream: trio.abc.Stream, max_head: int) -> None:
        self._stream = stream
        self._socket = plain_socket(stream)
        self._max_head = max_head
        self._released = Signal()
        self._answering = Answering.NOTHING
        self._ended = False
        self._reading: trio.CancelScope | None = None
        self.read_bytes = RECEIVE_BYTES
        self._begin(b"")

    def begin_next(self) -> None:
        """Begin the next request with the bytes of it that have arrived.

        Raises:
            h11.RemoteProtocolError: the head is malformed.
        """
        self._begin(self.trailing_data)

    @property
    def trailing_data(self) -> bytes:
        """The bytes that have arrived, but are not parsed or taken yet."""
        return self.h11.trailing_data[0][self._taken :] if self._rest is None else self._rest

    def take_rest(self) -> bytes:
        """Take the bytes that have arrived after the head. The rest of the body comes from ``read``, not from h11."""
        rest = self.trailing_data
        self._rest = b""
        return rest

    def put_back(self, rest: bytes) -> None:
        """Keep these bytes, which ``take_rest`` or ``read`` returned, for the next request."""
        self._rest = rest

    def take(self, size: int) -> bytes | None:
        """Take a body that has arrived with its head; return None if it is incomplete. Saves 6 µs compared to h11."""
        data = self.h11.trailing_data[0]
        if len(data) < size:
            return None
        self._taken = size
        return data[:size]

    def _begin(self, data: bytes) -> None:
        self.h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=self._max_head)
        self.received = 0
        self._taken = 0
        self._rest = None
        self._head = None
        self._awaits_head = True
        if data:
            self.feed(data)
        if self._ended:
            self.h11.receive_data(b"")

    async def receive(self) -> None:
        """Read the next bytes and feed them to h11. Do nothing if the stream has ended.

        Raises:
            h11.RemoteProtocolError: the head is malformed.
        """
        if not self._ended:
            self.feed(await self.read())

    async def read(self) -> bytes:
        """Read the next bytes without feeding h11; return no bytes at the end."""
        socket, data = self._socket, None
        while data is None:
            try:
                if socket is None:
                    data = bytes(await self._stream.receive_some(self.read_bytes))
                else:  # wait first: ``socket.recv`` tries to read before it waits, mostly in vain, which takes 6 µs
                    await trio.lowlevel.wait_readable(socket)
                    data = os.read(socket.fileno(), self.read_bytes)
            except BlockingIOError:  # it was not readable after all
                pass
            except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
                data = b""
        self._ended = not data
        return data

    def feed(self, data: bytes) -> None:
        """Pass on bytes that were read.

        Raises:
            h11.RemoteProtocolError: the head is malformed.
        """
        self.received += len(data)
        if self._rest is not None:  # after a body that h11 did not parse
            self._rest += data
            return
        if self._awaits_head:
            if self._head is None and http_head_length(data):
                self._awaits_head = False
            else:
                self._check_head(data)
        self.h11.receive_data(data)

    def _check_head(self, data: bytes) -> None:
        if self._head is None:
            self._head = RawHead()
        if self._head.receive(data):
            self._awaits_head, self._head = False, None

    def receive_at_once(self) -> bool:
        """Read what has arrived already and feed it to h11, without waiting.

        Returns:
            Whether h11 was fed; False also for a stream that is not a plain socket.
        """
        if self._socket is None:
            return False
        try:
            data = os.read(self._socket.fileno(), self.read_bytes)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        self._ended = not data
        self.feed(data)
        return True

    # while another task answers

    def hold(self) -> None:
        """Leave the current request to another task, which answers it."""
        self._answering = Answering.WAITS

    def suspend(self) -> None:
        """Stop reading, and checking for a disconnect, while the other task writes the response."""
        self._answering = Answering.WRITES

    def release(self) -> None:
        """Let ``released`` return, because the request is answered."""
        self._answering = Answering.NOTHING
        self._released.set()
        if self._reading is not None:
            self._reading.cancel()

    async def released(self) -> bool:
        """Wait for ``release``, and for the next bytes of the client. Return False if the client disconnects first.

        Bytes that arrive meanwhile are kept for the next request. After about ``max_head`` bytes, no more is read.
        """
        most = self.received + self._max_head
        while self._answering is not Answering.NOTHING:
            if self._answering is Answering.WRITES or self.received > most:
                await self._released.wait()
            elif self._ended:
                return False
            elif self.trailing_data:  # the next request has begun: ``release`` ends this read
                with trio.CancelScope() as self._reading:
                    await self.receive()
                self._reading = None
            else:
                await self.receive()
        return True
