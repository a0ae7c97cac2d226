"""Reads the body of a request that arrives after its head."""

from __future__ import annotations

from collections.abc import Callable

import h11
import trio

from trio_socketio.net._chunked import ChunkedBody
from trio_socketio.net._http_timeouts import PROGRESS_BYTES
from trio_socketio.net._reader import BODY_RECEIVE_BYTES, RECEIVE_BYTES, RequestReader

__all__ = ["CONTINUE", "BodyReader"]

#: The response that lets a client send its body (RFC 9110 section 15.2.1).
CONTINUE = b"HTTP/1.1 100 \r\n\r\n"


class BodyReader:
    """Reads one body, and sends ``100 Continue`` if the client waits for it (RFC 9110 section 10.1.1).

    Args:
        stream: the stream of the connection.
        reader: reads from this stream.
        extend: called at first, and whenever the body has grown by ``PROGRESS_BYTES``: the next wait may take its full
            time.
        received: called with the number of new bytes, whenever there are at least ``PROGRESS_BYTES``.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        reader: RequestReader,
        extend: Callable[[], None],
        received: Callable[[int], None],
    ) -> None:
        self._stream = stream
        self._reader = reader
        self._extend = extend
        self._received = received
        self._awaits_continue = reader.awaits_continue
        self._reported: int | None = None  #: the size at the last report; None: there was no wait yet

    async def read(self, size: int) -> bytes:
        """Read a body of this size.

        Raises:
            h11.RemoteProtocolError: the client ended the connection before the end of the body.
            trio.BrokenResourceError: the client that awaits ``100 Continue`` has disconnected.
        """
        body = bytearray(self._reader.take_rest())
        self._reader.read_bytes = BODY_RECEIVE_BYTES
        while len(body) < size:
            await self._before_wait(len(body))
            data = await self._reader.read()
            if not data:
                raise h11.RemoteProtocolError("the client closed the connection before the end of a body")
            body += data
        self._reader.read_bytes = RECEIVE_BYTES
        self._reader.put_back(bytes(body[size:]))
        return bytes(body[:size])

    async def read_chunked(self, limit: int, max_extra: int) -> bytes:
        """Read a chunked body. Each read is small, so that other tasks run between the chunks of two reads.

        Args:
            limit: the largest size of the body in bytes.
            max_extra: the largest size of chunk extensions, and of trailers, in bytes.

        Raises:
            BodyTooLarge: a chunk announces more than ``limit``, or there are too many chunks.
            h11.RemoteProtocolError: the body is malformed, or the client ended the connection before its end.
            trio.BrokenResourceError: the client that awaits ``100 Continue`` has disconnected.
        """
        chunked = ChunkedBody(limit, max_extra)
        is_whole = chunked.receive(self._reader.take_rest())
        while not is_whole:
            await self._before_wait(len(chunked.body))
            data = await self._reader.read()
            if not data:
                raise h11.RemoteProtocolError(
                    "the client closed the connection before the last chunk of a body"
                )
            is_whole = chunked.receive(data)
        self._reader.put_back(chunked.rest)
        return bytes(chunked.body)

    async def _before_wait(self, size: int) -> None:
        """Report the growth of the body, which has this size now, and send ``100 Continue`` if need be."""
        if self._reported is None:
            self._reported = 0
            self._extend()
        grown = size - self._reported
        if grown >= PROGRESS_BYTES:
            self._reported = size
            self._received(grown)
            self._extend()
        if self._awaits_continue:
            self._awaits_continue = False
            await self._stream.send_all(CONTINUE)
