"""What a client sends over one HTTP/1.1 connection, on its way to h11."""

from __future__ import annotations

import os
from enum import Enum, auto

import h11
import trio

from trio_socketio._core import http_head_length
from trio_socketio._signal import Signal
from trio_socketio.net._raw_head import RawHead

__all__ = ["BODY_RECEIVE_BYTES", "RECEIVE_BYTES", "RequestReader", "plain_socket"]

#: Enough for any head; a body is read in larger pieces. The buffer is allocated before anything has come.
RECEIVE_BYTES, BODY_RECEIVE_BYTES = 8192, 65536


def plain_socket(stream: trio.abc.Stream) -> trio.socket.SocketType | None:
    """The socket of a stream that is nothing else, if its descriptor can be read and written to."""
    return stream.socket if isinstance(stream, trio.SocketStream) and os.name == "posix" else None


class Answering(Enum):
    """What another task does with the current request."""

    NOTHING = auto()
    WAITS = auto()  #: it waits for something to answer; if the client goes, the request is over
    WRITES = auto()  #: it writes the response; whether the client has gone does not matter any more


class RequestReader:
    """Feeds h11, one h11 connection for each request, which begins with the bytes behind the last one.

    h11 gets no bytes of a head that ``RawHead`` refuses: what gives it bytes raises ``h11.RemoteProtocolError`` then.

    A new h11 connection costs 1 µs. To tell h11 of responses, which are simple, and to start its next cycle costs 30.

    Args:
        stream: where it comes from. That it breaks is an end like any other.
        max_head: how many bytes a head may have, and may be read ahead.

    Attributes:
        h11: parses the current request.
        received: how many bytes that was given.
        read_bytes: how much to read at once.
    """

    _rest: bytes | None  #: instead of h11's trailing data
    _head: RawHead | None  #: of the current request, if it comes in pieces

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
        """Begin the next request with what has come of it.

        Raises:
            h11.RemoteProtocolError: its head is refused.
        """
        self._begin(self.trailing_data)

    @property
    def trailing_data(self) -> bytes:
        """What has come and is not parsed or taken yet."""
        return self.h11.trailing_data[0][self._taken :] if self._rest is None else self._rest

    def take_rest(self) -> bytes:
        """What has come behind the head. From here on ``read`` gives the bytes of the body, and h11 gets none."""
        rest = self.trailing_data
        self._rest = b""
        return rest

    def put_back(self, rest: bytes) -> None:
        """These bytes, from ``take_rest`` or ``read``, belong to the next request."""
        self._rest = rest

    def take(self, size: int) -> bytes | None:
        """A body that has come with its head: 6 µs less than by h11. None if there is not so much."""
        data = self.h11.trailing_data[0]
        if len(data) < size:
            return None
        self._taken = size
        return data[:size]

    def _begin(self, data: bytes) -> None:
        self.h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=self._max_head)
        self.received = len(data)
        self._taken = 0
        self._rest = None
        self._head = None
        self._awaits_head = True
        if data:
            self._feed(data)
        if self._ended:
            self.h11.receive_data(b"")

    async def receive(self) -> None:
        """Let h11 have more, if there is more to come.

        Raises:
            h11.RemoteProtocolError: the head is refused.
        """
        if not self._ended:
            self._take(await self.read())

    async def read(self) -> bytes:
        """The next bytes, without h11; none at the end."""
        try:
            if self._socket is not None:
                data = await self._read_socket(self._socket)
            else:
                data = bytes(await self._stream.receive_some(self.read_bytes))
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            data = b""
        self._ended = not data
        return data

    def _take(self, data: bytes) -> None:
        self._ended = not data
        self.received += len(data)
        self._feed(data)

    def _feed(self, data: bytes) -> None:
        if self._awaits_head:
            self._check_head(data)
        self.h11.receive_data(data)

    def _check_head(self, data: bytes) -> None:
        if self._head is None:
            if http_head_length(data):
                self._awaits_head = False
                return
            self._head = RawHead()
        if self._head.receive(data):
            self._awaits_head, self._head = False, None

    def receive_at_once(self) -> bool:
        """Let h11 have what has come already, if that can be told without waiting; returns whether anything has."""
        if self._socket is None:
            return False
        try:
            self._take(os.read(self._socket.fileno(), self.read_bytes))
        except BlockingIOError:
            return False
        except OSError:
            self._take(b"")
        return True

    async def _read_socket(self, socket: trio.socket.SocketType) -> bytes:
        """As ``socket.recv``; but that tries first and then waits, where there is seldom anything: 6 µs less."""
        while True:
            await trio.lowlevel.wait_readable(socket)
            try:
                return os.read(socket.fileno(), self.read_bytes)
            except BlockingIOError:
                pass

    # while another task answers

    def hold(self) -> None:
        """The current request is answered by another task."""
        self._answering = Answering.WAITS

    def suspend(self) -> None:
        """It is being answered: whether the client has gone does not matter any more."""
        self._answering = Answering.WRITES

    def release(self) -> None:
        """It is answered."""
        self._answering = Answering.NOTHING
        self._released.set()
        if self._reading is not None:
            self._reading.cancel()

    async def released(self) -> bool:
        """Wait for ``release`` and the next bytes, while the client is connected; returns False if it has gone first.

        What it sends meanwhile is kept for the next request, about as much as a head may have; then no more is read.
        """
        most = self.received + self._max_head
        while self._answering is not Answering.NOTHING:
            if self._answering is Answering.WRITES or self.received > most:
                await self._released.wait()
            elif self._ended:
                return False
            elif self.trailing_data:  # the next request, or a part of it, need not wait for more
                with trio.CancelScope() as self._reading:
                    await self.receive()
                self._reading = None
            else:
                await self.receive()
        return True
