"""What a client sends over one HTTP/1.1 connection, on its way to h11."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import h11
import trio

from trio_socketio.net._signal import Signal

__all__ = ["BODY_RECEIVE_BYTES", "RECEIVE_BYTES", "RequestReader"]

#: Enough for any head; a body is read in larger pieces. The buffer is allocated before anything has come.
RECEIVE_BYTES, BODY_RECEIVE_BYTES = 8192, 65536


class RequestReader:
    """Feeds h11, one h11 connection for each request, which begins with the bytes behind the last one.

    That costs 1 µs, while to tell h11 of responses, which are simple, and to start its next cycle costs 30. In
    ``reading`` a task of its own reads, so that the other can wait for that and for output: 5 µs, while to cancel
    a read costs 40.

    Args:
        stream: where it comes from. That it breaks is an end like any other.
        max_head: how many bytes a head may have, and may be read ahead.

    Attributes:
        h11: parses the current request.
        received: how many bytes that was given.
        read_bytes: how much to read at once.
    """

    def __init__(self, stream: trio.abc.Stream, max_head: int) -> None:
        # A socket is 2 µs cheaper without the stream around it.
        self._read_some = stream.socket.recv if isinstance(stream, trio.SocketStream) else stream.receive_some
        self._max_head = max_head
        self._news = Signal()
        self._wanted = Signal()
        self._reading = self._suspended = self._ended = self._released = False
        self.read_bytes = RECEIVE_BYTES
        self._begin(b"")

    def begin_next(self) -> None:
        """The current request is done with."""
        self._begin(self.h11.trailing_data[0])

    def _begin(self, data: bytes) -> None:
        self.h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=self._max_head)
        self.received = self._ahead = 0
        if data:
            self._take(data)
        if self._ended:
            self.h11.receive_data(b"")

    def _take(self, data: bytes) -> None:
        self.received += len(data)
        self._ahead += len(data)
        self.h11.receive_data(data)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """A task reads meanwhile, never far ahead."""
        self._reading = True
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._read)
                yield
                nursery.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            _, rest = group.split(trio.Cancelled)
            raise (rest or group).exceptions[0] from None

    async def _read(self) -> None:
        while not self._ended:
            await self._receive_some()
            self._news.set()
            if self._ahead > self._max_head:
                self._suspended = True
                await self._wanted.wait()

    async def _receive_some(self) -> None:
        try:
            data = bytes(await self._read_some(self.read_bytes))
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            data = b""
        self._ended = not data
        self._take(data)

    async def receive(self) -> None:
        """Let h11 have more."""
        if not self._reading:
            await self._receive_some()
            return
        if self._suspended:
            self._suspended = False
            self._wanted.set()
        received, self._ahead = self.received, 0
        while self.received == received and not self._ended:
            await self._news.wait()

    def release(self) -> None:
        """Let ``released`` return; it need not have been called yet."""
        self._released = True
        self._news.set()

    async def released(self) -> bool:
        """Wait, in ``reading``, for ``release`` while the client is connected; returns False if it has gone first.

        What it sends meanwhile is kept for the next request, about as much as a head may have; then no more is read.
        """
        while not self._released:
            if self._ended:
                return False
            await self._news.wait()
        self._released = False
        return True
