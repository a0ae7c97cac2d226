"""Reads the body of a request in pieces, for an application that takes bodies of any size."""

from __future__ import annotations

import sys
from typing import Protocol

import h11
import trio

from trio_socketio.engineio import EngineRequest
from trio_socketio.net._body import CONTINUE
from trio_socketio.net._chunked import ChunkedBody
from trio_socketio.net._http_timeouts import PROGRESS_BYTES
from trio_socketio.net._reader import BODY_RECEIVE_BYTES, RECEIVE_BYTES, RequestReader
from trio_socketio.net._timeouts import TimeoutQueue

__all__ = ["BodyOwner", "StreamedBody"]


class BodyOwner(Protocol):
    """The connection whose current request has the body."""

    @property
    def stream(self) -> trio.abc.Stream:
        """The byte stream."""
        ...

    @property
    def reader(self) -> RequestReader:
        """Reads what the client sends."""
        ...

    def wait_in(self, queue: TimeoutQueue | None, now: float | None = None) -> None:
        """Limit the current wait to the time of this queue; None: remove the limit."""

    def wait_for_body(self) -> None:
        """Limit the wait for the next kilobyte of a body to ``request_timeout``, from now on."""

    def body_was_read(self) -> None:
        """Note that the whole body has arrived."""


class StreamedBody:
    """The body of one request. A body that has arrived with its head is complete at once.

    Args:
        owner: the connection.
        request: its current request.
        max_extra: how many bytes all chunk extensions and trailers may have together.

    Attributes:
        is_complete: whether the whole body has been read.
        awaits_continue: whether the client waits for ``100 Continue`` before it sends the body (RFC 9110 section
            10.1.1). The next ``read`` sends it.
    """

    def __init__(self, owner: BodyOwner, request: EngineRequest, max_extra: int) -> None:
        headers = request.headers
        self._owner = owner
        self._reader = owner.reader
        awaits_continue = owner.reader.awaits_continue
        self._missing = int(headers.get("content-length", "0"))
        self._due = 0  # how many bytes must still arrive within the current time limit
        self._arrived: bytes = b""
        self._chunked: ChunkedBody | None = None
        self.is_complete = False
        if "transfer-encoding" in headers:
            self._chunked = ChunkedBody(sys.maxsize, max_extra, sys.maxsize)
            self._arrived = self._receive(self._reader.take_rest())
        else:
            whole = self._reader.take(self._missing)
            if whole is None:
                self._arrived = self._receive(self._reader.take_rest())
            else:
                self._arrived = whole
                self._finish(None)
        self.awaits_continue = awaits_continue and not self.is_complete

    def take_arrived(self) -> bytes:
        """Take the beginning of the body, which has arrived with the head; possibly no bytes."""
        arrived, self._arrived = self._arrived, b""
        return arrived

    async def read(self) -> bytes:
        """Wait for more bytes of the body, and return them; possibly no bytes.

        Each kilobyte must arrive within ``request_timeout``. The time of ``pause`` does not count.

        Raises:
            h11.RemoteProtocolError: the body is malformed, or the client ended the connection before its end.
            trio.BrokenResourceError: the client that awaits ``100 Continue`` has disconnected.
        """
        if self._due <= 0:
            self._owner.wait_for_body()
            self._due = PROGRESS_BYTES
        if self.awaits_continue:
            self.awaits_continue = False
            await self._owner.stream.send_all(CONTINUE)
        self._reader.read_bytes = BODY_RECEIVE_BYTES
        data = await self._reader.read()
        self._reader.read_bytes = RECEIVE_BYTES
        self._due -= len(data)
        if not data:
            raise h11.RemoteProtocolError("the client closed the connection before the end of a body")
        piece = self._receive(data)
        if self.is_complete:
            self.pause()
        return piece

    def pause(self) -> None:
        """Remove the time limit, because the body is not read for a while or any more."""
        self._due = 0
        self._owner.wait_in(None)

    def _receive(self, data: bytes) -> bytes:
        if self._chunked is None:
            piece = data[: self._missing]
            self._missing -= len(piece)
            if not self._missing:
                self._finish(data[len(piece) :])
            return piece
        is_last = self._chunked.receive(data)
        piece = bytes(self._chunked.body)
        self._chunked.body.clear()
        if is_last:
            self._finish(self._chunked.rest)
        return piece

    def _finish(self, rest: bytes | None) -> None:
        if rest is not None:
            self._reader.put_back(rest)
        self.is_complete = True
        self._owner.body_was_read()
