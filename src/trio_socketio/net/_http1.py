"""HTTP/1.1 over a stream, with h11. One request at a time; limits are checked before a body is read."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from enum import Enum, auto

import h11
import trio

from trio_socketio.engineio import Delivery, EngineRequest, EngineResponse
from trio_socketio.net._chunked import BodyTooLarge, ChunkedBody
from trio_socketio.net._delivery import delivery_of, descriptor_of, piece_bytes
from trio_socketio.net._head import endpoint, is_last, read_head, size_of_head
from trio_socketio.net._lingering import LINGER_TIMEOUT, end_stream
from trio_socketio.net._reader import BODY_RECEIVE_BYTES, RECEIVE_BYTES, RequestReader, plain_socket
from trio_socketio.net._timeouts import TimeoutQueue, Timeouts

__all__ = ["BodyTooLarge", "Http1Connection", "HttpLimits", "HttpTimeouts"]

#: How many bytes of a response are written at once.
SEND_BYTES = 65536

#: The connection of a client that sends or receives fewer bytes than this within ``request_timeout`` is ended.
PROGRESS_BYTES = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpLimits:
    """The limits of a request and a response. Times are in seconds."""

    header_timeout: float
    request_timeout: float
    keep_alive_timeout: float
    max_header_bytes: int


class HttpTimeouts(Timeouts):
    """The timeouts of all HTTP connections of a server, and the parts of responses that depend on them."""

    def __init__(self, limits: HttpLimits) -> None:
        super().__init__()
        self.limits = limits
        self.header = self.queue(limits.header_timeout)
        self.request = self.queue(limits.request_timeout)
        self.response = self.queue(limits.request_timeout)
        self.keep_alive = self.queue(limits.keep_alive_timeout)
        self._kept = ""
        if limits.keep_alive_timeout >= 1:
            self._kept = f"Connection: keep-alive\r\nKeep-Alive: timeout={int(limits.keep_alive_timeout)}\r\n"
        self._second = -1
        #: the last lines of a response's head in this second: for a connection that is kept, and for one that is closed
        self._ends = ("", "")

    def serialise(self, response: EngineResponse, *, close: bool, head: bool) -> bytes:
        """Return the bytes of a response (RFC 9112 section 4), with its date (RFC 9110 section 6.6.1).

        Its head states how long the connection is kept, or that it is closed.
        """
        second = int(time.time())
        if second != self._second:
            self._second, date = second, f"Date: {formatdate(second, usegmt=True)}\r\n"
            self._ends = (f"{date}{self._kept}\r\n", f"{date}Connection: close\r\n\r\n")
        fields = "".join([f"{name}: {value}\r\n" for name, value in response.headers])
        start = f"HTTP/1.1 {response.status} \r\n{fields}{self._ends[close]}".encode("latin-1")
        return start if head else start + response.body


class BodyProgress:
    """Reports how a body grows.

    Args:
        received: called with the number of new bytes, whenever there are at least ``PROGRESS_BYTES``.
    """

    def __init__(self, received: Callable[[int], None]) -> None:
        self._received = received
        self._told = 0

    def has_grown(self, size: int) -> bool:
        """Return whether a body of this size has grown enough since the last report; if so, report it."""
        grown = size - self._told
        if grown < PROGRESS_BYTES:
            return False
        self._told = size
        self._received(grown)
        return True


class ResponseState(Enum):
    """The state of the response to the current request."""

    NONE = auto()  #: not begun
    BEGUN = auto()
    LAST_WRITTEN = auto()  #: written, and no request follows on the connection


class Http1Connection:
    """The server's end of one HTTP/1.1 connection.

    Attributes:
        stream: the byte stream. The caller closes it.
        reader: reads what the client sends.
        scope: the scope of everything after the first request; it is cancelled when the client takes too long.
        idle: the scope of a wait that may be cancelled when the server stops; None: there is none.
        head: the head of the current request, as h11 parsed it.
        offers_upgrade: whether the current request has an ``Upgrade`` header, for any protocol.
    """

    head: h11.Request
    offers_upgrade: bool
    scope: trio.CancelScope

    def __init__(self, stream: trio.abc.Stream, timeouts: HttpTimeouts) -> None:
        self.stream = stream
        self.address, self.secure = endpoint(stream)
        self.reader = RequestReader(stream, timeouts.limits.max_header_bytes)
        self.idle: trio.CancelScope | None = None
        self._socket = plain_socket(stream)
        self._timeouts = timeouts
        self._queue: TimeoutQueue | None = None
        self._last = False
        self._response = ResponseState.NONE
        self._body_is_unread = False
        self._taken = 0

    @property
    def trailing_data(self) -> bytes:
        """The bytes after the current request that have arrived already."""
        return self.reader.trailing_data

    def stop(self) -> None:
        """End a wait for a request or for the rest of a body, because the server stops."""
        if self.idle is not None:
            self.idle.cancel()
        elif self._queue is self._timeouts.request:
            self.scope.cancel()

    def wait_in(self, queue: TimeoutQueue | None) -> None:
        """Limit the current wait to the time of this queue, from now on; None: remove the limit."""
        if self._queue is not None:
            self._queue.discard(self.scope)
        self._queue = queue
        if queue is not None:
            queue.add(self.scope)

    # requests

    async def first_request(self) -> EngineRequest | None:
        """Return the first request as ``next_request`` does, but without ``scope``.

        Fast path: the first request has mostly arrived with the connection, and is often the only one.
        """
        event = self.reader.h11.next_event() if self.reader.receive_at_once() else h11.NEED_DATA
        if event is h11.NEED_DATA:
            with trio.move_on_after(self._timeouts.limits.header_timeout) as self.idle:
                while event is h11.NEED_DATA:
                    await self.reader.receive()
                    event = self.reader.h11.next_event()
            if self.idle.cancel_called:
                return None
            self.idle = None
        return self._begin_request(event) if isinstance(event, h11.Request) else None

    async def next_request(self) -> EngineRequest | None:
        """Read the next request; return None if the client has disconnected or has taken too long.

        Raises:
            h11.RemoteProtocolError: the request is malformed; ``respond_error`` answers it.
        """
        self._response = ResponseState.NONE
        self.reader.begin_next()
        event: h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED] = h11.NEED_DATA
        if self.reader.received:
            await trio.lowlevel.checkpoint()
            event = self.reader.h11.next_event()
        while event is h11.NEED_DATA:
            queue = self._timeouts.header if self.reader.received else self._timeouts.keep_alive
            if self._queue is not queue:
                self.idle = self.scope
                self.wait_in(queue)
            await self.reader.receive()
            event = self.reader.h11.next_event()
        if self.scope.cancel_called:  # just now; no response can be written in the scope
            return None
        self.idle = None
        self.wait_in(None)
        return self._begin_request(event) if isinstance(event, h11.Request) else None

    def _begin_request(self, head: h11.Request) -> EngineRequest:
        if not head.http_version.startswith(b"1."):
            raise h11.RemoteProtocolError("this is not HTTP/1", error_status_hint=505)
        longest = self._timeouts.limits.max_header_bytes
        if self.reader.received > longest and size_of_head(head) > longest:
            raise h11.RemoteProtocolError("the head of the request is too long", error_status_hint=431)
        request = read_head(head, self.address, self.secure)
        headers = request.headers
        self.head = head
        self.offers_upgrade = "upgrade" in headers
        self._last = is_last(head, headers)
        self._body_is_unread = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        return request

    async def read_body(self, request: EngineRequest, limit: int, received: Callable[[int], None]) -> bytes:
        """Read the body of the current request. Each kilobyte of it must arrive within ``request_timeout``.

        Args:
            request: the current request.
            limit: the largest size of the body in bytes.
            received: called with the number of new bytes when there is at least a kilobyte, while the body is
                incomplete.

        Raises:
            BodyTooLarge: the head or a chunk announces more than ``limit``, or there are too many chunks.
            h11.RemoteProtocolError: the body is malformed, or the client ended the connection before its end.
            trio.BrokenResourceError: the client that awaits ``100 Continue`` has disconnected.
        """
        announced = int(request.headers.get("content-length", "0"))
        if announced > limit:
            raise BodyTooLarge(f"body of {announced} bytes exceeds max_http_buffer_size={limit}")
        if "transfer-encoding" in request.headers:
            body = await self._read_chunked(limit, received)
        else:
            whole = self.reader.take(announced)
            body = await self._read_announced(announced, received) if whole is None else whole
        if self._queue is not None:
            self.wait_in(None)
        self.reader.read_bytes = RECEIVE_BYTES
        self._body_is_unread = False
        return body

    async def _read_announced(self, size: int, received: Callable[[int], None]) -> bytes:
        body = bytearray()
        progress = BodyProgress(received)
        self.reader.read_bytes = BODY_RECEIVE_BYTES
        while len(body) < size:
            event = self.reader.h11.next_event()
            if event is h11.NEED_DATA:
                await self._wait_for_body(progress, len(body))
                await self.reader.receive()
            elif isinstance(event, h11.Data):
                body += event.data
            else:
                break
        return bytes(body)

    async def _read_chunked(self, limit: int, received: Callable[[int], None]) -> bytes:
        """Read a chunked body. Each read is small, so that other tasks run between the chunks of two reads."""
        chunked = ChunkedBody(limit, self._timeouts.limits.max_header_bytes)
        progress = BodyProgress(received)
        is_whole = chunked.receive(self.reader.take_rest())
        while not is_whole:
            await self._wait_for_body(progress, len(chunked.body))
            data = await self.reader.read()
            if not data:
                raise h11.RemoteProtocolError("the client closed before its last chunk")
            is_whole = chunked.receive(data)
        self.reader.put_back(chunked.rest)
        return bytes(chunked.body)

    async def _wait_for_body(self, progress: BodyProgress, size: int) -> None:
        """Limit the wait for the rest of a body, and send ``100 Continue`` if need be (RFC 9110 section 10.1.1)."""
        if progress.has_grown(size) or self._queue is None:
            self.wait_in(self._timeouts.request)
        if self.reader.h11.they_are_waiting_for_100_continue:
            response = h11.InformationalResponse(status_code=100, headers=[])
            await self.stream.send_all(self.reader.h11.send(response) or b"")

    # responses

    def begin_response(self, response: EngineResponse, *, head: bool = False) -> bytes:
        """Write as much of a response as the socket takes at once.

        Args:
            response: the response.
            head: leave the body out, as for a HEAD request.

        Returns:
            The rest, to be written by ``finish_response``.

        Raises:
            trio.BrokenResourceError: the connection is broken.
        """
        self._last = self._last or response.close or self._body_is_unread
        return self._begin_write(self._timeouts.serialise(response, close=self._last, head=head))

    def _begin_write(self, data: bytes) -> bytes:
        self._response = ResponseState.BEGUN
        if self._socket is None:
            return data
        try:
            written = os.write(self._socket.fileno(), data)
            self._taken += written
            return data[written:]
        except BlockingIOError:
            return data
        except OSError as error:
            raise trio.BrokenResourceError(f"socket connection broken: {error}") from error

    async def finish_response(self, rest: bytes) -> None:
        """Write the rest of a response; return at once if it is empty.

        Raises:
            trio.BrokenResourceError: the connection is broken.
            trio.TooSlowError: the client has received less than ``PROGRESS_BYTES`` within ``request_timeout``.
        """
        if not rest:
            return
        size = piece_bytes(self.stream, SEND_BYTES)
        queue = self._timeouts.response
        with trio.CancelScope() as scope:
            queue.add(scope, self._progress())
            try:
                for start in range(0, len(rest), size):
                    piece = rest[start : start + size]
                    await self.stream.send_all(piece)
                    self._taken += len(piece)
            finally:
                queue.discard(scope)
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
        descriptor = descriptor_of(self.stream)
        if descriptor is None:
            return Delivery(self._taken, 0)
        return delivery_of(descriptor, self._taken)

    async def send(self, data: bytes) -> None:
        """Write bytes unchanged. Raises the same as ``finish_response``."""
        await self.finish_response(self._begin_write(data))

    async def respond(self, response: EngineResponse, *, head: bool = False) -> bool:
        """Write a complete response; return whether the connection can carry another request.

        Arguments as for ``begin_response``.
        """
        await self.finish_response(self.begin_response(response, head=head))
        self._response_written()
        return self.is_reusable

    def _response_written(self) -> None:
        if self._last:
            self._response = ResponseState.LAST_WRITTEN

    @property
    def is_reusable(self) -> bool:
        """Whether the connection can carry another request after the current response."""
        return not self._last

    def responded(self, *, stop: bool) -> None:
        """Let the reading task go on, or end, because another task has written the complete response."""
        self.idle = self.scope
        self._response_written()
        self.reader.release()
        if self._last or stop:
            self.scope.cancel()
        else:
            self.wait_in(self._timeouts.keep_alive)

    async def respond_error(self, status: int) -> None:
        """Answer a request that could not be read, unless a response has begun. The connection is then closed.

        Raises:
            trio.TooSlowError: the client does not read the response within ``request_timeout``.
        """
        if self._response is ResponseState.NONE:
            response = EngineResponse(status, [("Content-Length", "0")])
            with trio.fail_after(self._timeouts.limits.request_timeout):
                await self.stream.send_all(self._timeouts.serialise(response, close=True, head=False))
            self._response = ResponseState.LAST_WRITTEN

    async def linger(self) -> None:
        """End the server's half of the connection after the last response, and wait for the client to end its own."""
        if self._response is ResponseState.LAST_WRITTEN:
            with trio.move_on_after(LINGER_TIMEOUT) as self.idle:
                await end_stream(self.stream)
            self.idle = None
