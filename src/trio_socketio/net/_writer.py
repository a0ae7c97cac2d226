"""Writes responses to a stream, and ends the connection of a client that does not receive them."""

from __future__ import annotations

import os
from collections.abc import Callable

import trio

from trio_socketio.engineio import Delivery
from trio_socketio.net._delivery import delivery_of, descriptor_of, piece_bytes
from trio_socketio.net._http_timeouts import PROGRESS_BYTES
from trio_socketio.net._reader import plain_socket
from trio_socketio.net._timeouts import TimeoutQueue

__all__ = ["ResponseWriter"]

#: How many bytes of a response are written at once.
SEND_BYTES = 65536


class ResponseWriter:
    """Writes the responses of one HTTP/1.1 connection.

    Args:
        stream: the stream to write to.
        queue: limits the time in which the client must receive the next ``PROGRESS_BYTES``.
    """

    __slots__ = ("_queue", "_socket", "_stream", "_taken")

    def __init__(self, stream: trio.abc.Stream, queue: TimeoutQueue) -> None:
        self._stream = stream
        self._socket = plain_socket(stream)
        self._queue = queue
        self._taken = 0

    def begin(self, data: bytes) -> bytes:
        """Write as many bytes as the socket takes at once, and return the rest, which ``finish`` writes.

        Raises:
            trio.BrokenResourceError: the connection is broken.
        """
        if self._socket is None:
            return data
        try:
            written = os.write(self._socket.fileno(), data)
        except BlockingIOError:
            return data
        except OSError as error:
            raise trio.BrokenResourceError(f"the connection broke: {error}") from error
        self._taken += written
        return data[written:]

    async def finish(self, rest: bytes) -> None:
        """Write the rest.

        Raises:
            trio.BrokenResourceError: the connection is broken.
            trio.TooSlowError: the client has received less than ``PROGRESS_BYTES`` within the time of the queue.
        """
        size = piece_bytes(self._stream, SEND_BYTES)
        with trio.CancelScope() as scope:
            self._queue.add(scope, self._progress())
            try:
                for start in range(0, len(rest), size):
                    piece = rest[start : start + size]
                    await self._stream.send_all(piece)
                    self._taken += len(piece)
            finally:
                self._queue.discard(scope)
        if scope.cancelled_caught:
            raise trio.TooSlowError

    def _progress(self) -> Callable[[], bool]:
        """Return a function that returns whether the client has received ``PROGRESS_BYTES`` since its last call."""
        last = self.delivery()

        def goes_on() -> bool:
            nonlocal last
            before, last = last, self.delivery()
            if before is None or last is None:
                return False
            return last.acknowledged - before.acknowledged >= PROGRESS_BYTES

        return goes_on

    def delivery(self) -> Delivery | None:
        """Return how many of the written bytes the client has received; None: this is unknown."""
        descriptor = descriptor_of(self._stream)
        if descriptor is None:
            return Delivery(self._taken, 0)
        return delivery_of(descriptor, self._taken)
