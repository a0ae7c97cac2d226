"""HTTP/1.1 over a stream. One request at a time; limits are checked before a body is read."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

import h11
import trio

from trio_socketio.engineio import EngineRequest, EngineResponse
from trio_socketio.net._body import BodyReader
from trio_socketio.net._chunked import BodyTooLarge
from trio_socketio.net._head import Head, endpoint, is_last, read_head
from trio_socketio.net._head_parsers import ParseHead, parse_with_h11
from trio_socketio.net._http_timeouts import HttpTimeouts
from trio_socketio.net._lingering import LINGER_TIMEOUT, end_stream
from trio_socketio.net._reader import RequestReader
from trio_socketio.net._serialiser import Serialiser
from trio_socketio.net._streamed_body import StreamedBody
from trio_socketio.net._timeouts import TimeoutQueue
from trio_socketio.net._writer import ResponseWriter

__all__ = ["GONE", "Http1Connection"]

#: Raised when the peer disconnects or misbehaves. Not an error of the server.
GONE = (trio.BrokenResourceError, trio.ClosedResourceError)


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
        writer: writes the responses.
        scope: the scope of everything after the first request; it is cancelled when the client takes too long.
        idle: the scope of a wait that may be cancelled when the server stops; None: there is none.
        head: the head of the current request.
        handed_over: the request with which another process has handed over the connection; None: this process has
            accepted it.
        offers_upgrade: whether the current request has an ``Upgrade`` header, for any protocol.
    """

    __slots__ = (
        "_body_is_unread", "_last", "_queue", "_response", "_serialiser", "_timeouts", "address", "handed_over",
        "head", "idle", "offers_upgrade", "reader", "scope", "secure", "stream", "writer",
    )  # fmt: skip

    head: Head
    offers_upgrade: bool
    scope: trio.CancelScope

    def __init__(
        self,
        stream: trio.abc.Stream,
        timeouts: HttpTimeouts,
        serialiser: Serialiser,
        parse: ParseHead = parse_with_h11,
    ) -> None:
        self.stream = stream
        self.address, self.secure = endpoint(stream)
        self.reader = RequestReader(stream, timeouts.limits.max_header_bytes, parse)
        self.idle: trio.CancelScope | None = None
        self.handed_over: EngineRequest | None = None
        self.writer = ResponseWriter(stream, timeouts.response)
        self._serialiser = serialiser
        self._timeouts = timeouts
        self._queue: TimeoutQueue | None = None
        self._last = False
        self._response = ResponseState.NONE
        self._body_is_unread = False

    @property
    def parts(self) -> tuple[object, ...]:
        """The objects that make up the connection, for ``untrack``."""
        socket = self.stream.socket if isinstance(self.stream, trio.SocketStream) else None
        return self, self.reader, self.writer, self.stream, socket

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

    def wait_in(self, queue: TimeoutQueue | None, now: float | None = None) -> None:
        """Limit the current wait to the time of this queue, from now on; None: remove the limit."""
        if self._queue is not None:
            self._queue.discard(self.scope)
        self._queue = queue
        if queue is not None:
            queue.add(self.scope, now=now)

    # requests

    async def first_request(self) -> EngineRequest | None:
        """Return the first request as ``next_request`` does, but without ``scope``.

        Fast path: the first request has mostly arrived with the connection, and is often the only one.
        """
        if self.reader.needs_data:
            self.reader.receive_at_once()
        if self.reader.needs_data:
            with trio.move_on_after(self._timeouts.limits.header_timeout) as self.idle:
                while self.reader.needs_data:
                    await self.reader.receive()
            if self.idle.cancel_called:
                return None
            self.idle = None
        return self.current_request()

    def handed_request(self, received: bytes) -> EngineRequest:
        """Return the first request of a connection that another process has handed over.

        Args:
            received: what that process has read from the connection: a complete head, and what followed it.

        Raises:
            h11.RemoteProtocolError: it does not begin with a valid head.
        """
        self.reader.feed(received)
        self.handed_over = self.current_request()
        if self.handed_over is None:
            raise h11.RemoteProtocolError("expected the complete head of a request")
        return self.handed_over

    async def next_request(self) -> EngineRequest | None:
        """Read the next request; return None if the client has disconnected or has taken too long.

        Raises:
            h11.RemoteProtocolError: the request is malformed; ``respond_error`` answers it.
        """
        self.begin_next()
        if self.reader.received:
            await trio.lowlevel.checkpoint()
        while self.reader.needs_data:
            queue = self._timeouts.header if self.reader.received else self._timeouts.keep_alive
            if self._queue is not queue:
                self.idle = self.scope
                self.wait_in(queue)
            await self.reader.receive()
        if self.scope.cancel_called:  # just now; no response can be written in the scope
            return None
        self.idle = None
        self.wait_in(None)
        return self.current_request()

    def begin_next(self) -> None:
        """Begin to read the next request.

        Raises:
            h11.RemoteProtocolError: what has arrived of it is malformed.
        """
        self._response = ResponseState.NONE
        del self.head  # an idle connection need not keep it
        self.reader.begin_next()

    def current_request(self) -> EngineRequest | None:
        """Return the request whose head has arrived; None: the client has disconnected.

        Raises:
            h11.RemoteProtocolError: the head is too large, or has a version other than HTTP/1.
        """
        head = self.reader.head
        if head is None:
            return None
        if not head.http_version.startswith(b"1."):
            text = f"expected HTTP/1, got HTTP/{head.http_version.decode()}"
            raise h11.RemoteProtocolError(text, error_status_hint=505)
        longest = self._timeouts.limits.max_header_bytes
        if head.size > longest:
            text = f"the head of the request is larger than max_header_bytes={longest}"
            raise h11.RemoteProtocolError(text, error_status_hint=431)
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
        headers = request.headers
        announced = int(headers.get("content-length", "0"))
        if announced > limit:
            raise BodyTooLarge(f"the body of {announced} bytes is larger than max_http_buffer_size={limit}")
        is_chunked = "transfer-encoding" in headers
        body = None if is_chunked else self.reader.take(announced)
        if body is None:
            later = BodyReader(self.stream, self.reader, self._extend_request, received)
            if is_chunked:
                body = await later.read_chunked(limit, self._timeouts.limits.max_header_bytes)
            else:
                body = await later.read(announced)
            self.wait_in(None)
        self._body_is_unread = False
        return body

    def has_whole_body(self, request: EngineRequest, most: int) -> bool:
        """Return whether the body of the current request has arrived with its head, and has at most so many bytes."""
        if "transfer-encoding" in request.headers:
            return False
        size = int(request.headers.get("content-length", "0"))
        return size <= min(most, len(self.reader.trailing_data))

    def take_body(self, request: EngineRequest) -> bytes:
        """Take the body of the current request, which has arrived with its head."""
        body = self.reader.take(int(request.headers.get("content-length", "0")))
        assert body is not None
        self._body_is_unread = False
        return body

    def streamed_body(self, request: EngineRequest) -> StreamedBody:
        """Return a reader for the body of the current request, of any size, in pieces as they arrive."""
        return StreamedBody(self, request, self._timeouts.limits.max_header_bytes)

    def wait_for_body(self) -> None:
        """Limit the wait for the next kilobyte of a body to ``request_timeout``, from now on."""
        self.wait_in(self._timeouts.request)

    def body_was_read(self) -> None:
        """Note that the whole body has arrived, so that another request can follow."""
        self._body_is_unread = False

    def _extend_request(self) -> None:
        self.wait_in(self._timeouts.request)

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
        self._response = ResponseState.BEGUN
        return self.writer.begin(self._serialiser.serialise(response, close=self._last, head=head))

    async def finish_response(self, rest: bytes) -> None:
        """Write the rest of a response; return at once if it is empty.

        Raises:
            trio.BrokenResourceError: the connection is broken.
            trio.TooSlowError: the client has received less than ``PROGRESS_BYTES`` within ``request_timeout``.
        """
        if rest:
            await self.writer.finish(rest)

    async def send(self, data: bytes) -> None:
        """Write bytes unchanged. Raises the same as ``finish_response``."""
        await self.finish_response(self.begin_send(data))

    def begin_send(self, data: bytes) -> bytes:
        """Write as many bytes as the socket takes at once, unchanged. Returns and raises as ``begin_response``."""
        self._response = ResponseState.BEGUN
        return self.writer.begin(data)

    async def respond(self, response: EngineResponse, *, head: bool = False) -> bool:
        """Write a complete response; return whether the connection can carry another request.

        Arguments as for ``begin_response``.
        """
        rest = self.begin_response(response, head=head)
        if rest:
            await self.writer.finish(rest)
        if self._last:
            self._response = ResponseState.LAST_WRITTEN
        return not self._last

    def wrote_last(self) -> None:
        """Note that nothing more is written, so that ``linger`` ends the connection in order."""
        self._response = ResponseState.LAST_WRITTEN

    @property
    def is_reusable(self) -> bool:
        """Whether the connection can carry another request after the current response."""
        return not self._last

    def responded(self, now: float, *, stop: bool) -> None:
        """Let the reading task go on, or end it, because another task has written the complete response.

        Args:
            now: the time.
            stop: end the reading task, as the server stops.
        """
        self.idle = self.scope
        if self._last:
            self._response = ResponseState.LAST_WRITTEN
        self.reader.release()
        if self._last or stop:
            self.scope.cancel()
        else:
            self.wait_in(self._timeouts.keep_alive, now)

    async def respond_error(self, status: int) -> None:
        """Answer a request that could not be read, unless a response has begun. The connection is then closed.

        Raises:
            trio.TooSlowError: the client does not read the response within ``request_timeout``.
        """
        if self._response is ResponseState.NONE:
            response = EngineResponse(status, [("Content-Length", "0")])
            with trio.fail_after(self._timeouts.limits.request_timeout):
                await self.stream.send_all(self._serialiser.serialise(response, close=True, head=False))
            self._response = ResponseState.LAST_WRITTEN

    async def linger(self) -> None:
        """End the server's half of the connection after the last response, and wait for the client to end its own."""
        if self._response is ResponseState.LAST_WRITTEN:
            with trio.move_on_after(LINGER_TIMEOUT) as self.idle:
                await end_stream(self.stream)
            self.idle = None
