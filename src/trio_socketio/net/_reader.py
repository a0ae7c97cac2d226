"""Reads what a client sends over one HTTP/1.1 connection: the head of each request, and what follows it."""

from __future__ import annotations

import os
from enum import Enum, auto

import h11
import trio

from trio_socketio._signal import Signal
from trio_socketio.net._head import Head
from trio_socketio.net._head_parsers import ParseHead, SplitHead, parse_with_h11

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
    """Reads the heads of requests from a stream, and keeps the bytes that arrive after a head.

    If a head is malformed, the method that received it raises ``h11.RemoteProtocolError``.

    Args:
        stream: the stream to read. A broken connection is treated as the end of the stream.
        max_head: the largest size of a head in bytes, and about how many bytes are read ahead.
        parse: parses a head that arrives in one piece.

    Attributes:
        head: the head of the current request; None: it is not complete.
        received: how many bytes have arrived since the beginning of the current request.
        trailing_data: the bytes that have arrived after the head, but are not taken yet.
        read_bytes: how many bytes to read at once.
    """

    __slots__ = (
        "_answering", "_ended", "_max_head", "_parse", "_reading", "_released", "_socket", "_split", "_stream", "head",
        "read_bytes", "received", "trailing_data",
    )  # fmt: skip

    _split: SplitHead | None  #: parses the head of the current request, if it arrives in pieces

    def __init__(self, stream: trio.abc.Stream, max_head: int, parse: ParseHead = parse_with_h11) -> None:
        self._stream = stream
        self._socket = plain_socket(stream)
        self._max_head = max_head
        self._parse = parse
        self._released: Signal | None = None  # most connections have no task that waits for it
        self._answering = Answering.NOTHING
        self._ended = False
        self._reading: trio.CancelScope | None = None
        self.read_bytes = RECEIVE_BYTES
        self._begin()

    def _begin(self) -> None:
        self.head: Head | None = None
        self.received = 0
        self.trailing_data = b""
        self._split = None

    def begin_next(self) -> None:
        """Begin the next request with the bytes of it that have arrived.

        Raises:
            h11.RemoteProtocolError: the head is malformed.
        """
        rest = self.trailing_data
        self._begin()
        if rest:
            self.feed(rest)
            if self._ended:
                self.feed(b"")

    @property
    def needs_data(self) -> bool:
        """Whether the head of the current request is incomplete, and more bytes may arrive."""
        return self.head is None and not self._ended

    @property
    def has_ended(self) -> bool:
        """Whether the client has ended the connection."""
        return self._ended

    @property
    def awaits_continue(self) -> bool:
        """Whether the client may wait for ``100 Continue``, and nothing of the body has arrived."""
        return self.head is not None and self.head.expects_continue and not self.trailing_data

    def take_rest(self) -> bytes:
        """Take the bytes that have arrived after the head. The rest of the body comes from ``read``."""
        rest, self.trailing_data = self.trailing_data, b""
        return rest

    def put_back(self, rest: bytes) -> None:
        """Keep these bytes, which ``take_rest`` or ``read`` returned, for the next request."""
        self.trailing_data = rest

    def take(self, size: int) -> bytes | None:
        """Take a body that has arrived with its head; return None if it is incomplete."""
        if len(self.trailing_data) < size:
            return None
        body, self.trailing_data = self.trailing_data[:size], self.trailing_data[size:]
        return body

    async def receive(self) -> None:
        """Read the next bytes, and pass them on. Do nothing if the stream has ended.

        Raises:
            h11.RemoteProtocolError: the head is malformed.
        """
        if not self._ended:
            self.feed(await self.read())

    async def read(self) -> bytes:
        """Read the next bytes without passing them on; return no bytes at the end."""
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
        """Pass on bytes that were read; no bytes are the end.

        Raises:
            h11.RemoteProtocolError: the head is malformed, or it ends before it is complete.
        """
        self.received += len(data)
        if self.head is not None:
            self.trailing_data += data
            return
        if not data:
            if self._split is not None:
                raise h11.RemoteProtocolError("the client closed the connection before the end of a head")
            return
        if self._split is None:
            self.head = self._parse(data)
            if self.head is None:
                self._split = SplitHead(self._max_head)
        if self._split is not None:
            self.head = self._split.receive(data)
        if self.head is not None:
            self._split = None
            self.trailing_data = data[len(data) - (self.received - self.head.size) :]

    def receive_at_once(self) -> bool:
        """Read what has arrived already and pass it on, without waiting.

        Returns:
            Whether something was read, or the end; False also for a stream that is not a plain socket.

        Raises:
            h11.RemoteProtocolError: the head is malformed.
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
        if self._released is not None:
            self._released.set()
        if self._reading is not None:
            self._reading.cancel()

    async def released(self) -> bool:
        """Wait for ``release``, and for the next bytes of the client. Return False if the client disconnects first.

        Bytes that arrive meanwhile are kept for the next request. After about ``max_head`` bytes, no more is read.
        """
        most = self.received + self._max_head
        self._released = Signal()
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
