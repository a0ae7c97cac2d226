"""HTTP/1.1 over a stream, by h11: one request at a time, limits checked before a body is read."""

from __future__ import annotations

import math
from dataclasses import dataclass

import h11
import trio

from trio_socketio.engineio import EngineResponse
from trio_socketio.net._reader import BODY_RECEIVE_BYTES, RECEIVE_BYTES, RequestReader

__all__ = ["BodyTooLarge", "Http1Connection", "HttpLimits"]

#: A client that takes less than this within ``request_timeout`` is given up.
SEND_BYTES = 65536

#: How long a client may take to notice that we have ended the connection (RFC 9112 section 9.6).
LINGER_TIMEOUT = 2.0


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """How long and how much; times are seconds.

    The defaults are near Node's: it waits 60 s for a head and 300 s for a request, both far more than a client of this
    protocol needs, and allows 16 KiB of head.
    """

    header_timeout: float = 10.0
    request_timeout: float = 30.0
    keep_alive_timeout: float = 65.0
    max_header_bytes: int = 16_384


_H11Event = h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]


def _head_bytes(request: h11.Request) -> int:
    """The size of a request's head, blank line and all."""
    fields = sum(len(name) + len(value) + len(b": \r\n") for name, value in request.headers.raw_items())
    return len(request.method) + len(request.target) + len(b"  HTTP/1.1\r\n") + fields + len(b"\r\n")


def _serialise(response: EngineResponse, *, close: bool, head: bool) -> bytes:
    """A response on the wire (RFC 9112 section 4)."""
    fields = "".join([f"{name}: {value}\r\n" for name, value in response.headers])
    connection = "Connection: close\r\n" if close else ""
    start = f"HTTP/1.1 {response.status} \r\n{fields}{connection}\r\n".encode("latin-1")
    return start if head else start + response.body


class BodyTooLarge(Exception):
    """The body is larger than its limit; it has not been read."""


class Http1Connection:
    """The server's end of one HTTP/1.1 connection; everything but ``respond_error`` and ``linger`` in its scope.

    One scope has a deadline that moves, for 3 µs, where a scope for each wait takes 11.

    Attributes:
        stream: the byte stream; ours to use, not to close.
        reader: what the client sends.
        scope: ends when the client takes too long.
        idle: the same scope while nothing but a new request is waited for, so it may be cancelled.
    """

    def __init__(self, stream: trio.abc.Stream, limits: HttpLimits) -> None:
        self.stream = stream
        self.reader = RequestReader(stream, limits.max_header_bytes)
        self.scope = trio.CancelScope()
        self.idle: trio.CancelScope | None = None
        self._socket = stream.socket if isinstance(stream, trio.SocketStream) else None
        self._limits = limits
        self._first = True
        self._responded = self._closing = False

    @property
    def trailing_data(self) -> bytes:
        """What the client sent behind the request."""
        return self.reader.h11.trailing_data[0]

    def _allow(self, seconds: float) -> None:
        self.scope.deadline = trio.current_time() + seconds

    async def send(self, data: bytes) -> None:
        """Write bytes as they are.

        Raises:
            trio.BrokenResourceError: the connection is broken.
        """
        self._responded = True
        for start in range(0, len(data), SEND_BYTES):
            self._allow(self._limits.request_timeout)
            await self._write(data[start : start + SEND_BYTES])

    async def _write(self, data: bytes) -> None:
        """As ``send_all``; but a socket takes nearly all at once: 5 µs less than with the stream around it."""
        sent = 0
        if self._socket is not None:
            try:
                sent = await self._socket.send(data)
            except OSError as error:
                raise trio.BrokenResourceError(f"socket connection broken: {error}") from error
        if sent < len(data):
            await self.stream.send_all(data[sent:])

    async def next_request(self) -> h11.Request | None:
        """The next request; None when the client has gone.

        Raises:
            h11.RemoteProtocolError: the request is malformed; ``respond_error`` answers it.
        """
        if not self._first:
            self.reader.begin_next()
            self._responded = False
        event = self.reader.h11.next_event() if self.reader.received else None
        if event is None or event is h11.NEED_DATA:
            event = await self._await_head()
        self._first = False
        if not isinstance(event, h11.Request):
            return None
        if not event.http_version.startswith(b"1."):
            raise h11.RemoteProtocolError("this is not HTTP/1", error_status_hint=505)
        longest = self._limits.max_header_bytes
        if self.reader.received > longest and _head_bytes(event) > longest:
            raise h11.RemoteProtocolError("the head of the request is too long", error_status_hint=431)
        return event

    async def _await_head(self) -> _H11Event | None:
        limits = self._limits
        self.idle = self.scope
        self._allow(limits.header_timeout if self._first else limits.keep_alive_timeout)
        await self.reader.receive()
        event = self.reader.h11.next_event()
        if event is h11.NEED_DATA and not self._first:
            self._allow(limits.header_timeout)
        while event is h11.NEED_DATA:
            await self.reader.receive()
            event = self.reader.h11.next_event()
        if self.scope.cancel_called:  # just now: nothing can be written in it any more
            return None
        self.idle = None
        self.scope.deadline = math.inf
        return event

    async def read_body(self, announced: str, limit: int) -> bytes:
        """The body of the current request, within ``request_timeout``.

        Args:
            announced: its Content-Length field, blank if there is none; h11 has checked its form.
            limit: its largest size in bytes.

        Raises:
            BodyTooLarge: the head announces more, or more has come.
            h11.RemoteProtocolError: it never came whole.
            trio.BrokenResourceError: the client that asked to be asked for it has gone.
        """
        if announced and int(announced) > limit:
            raise BodyTooLarge(f"body of {announced} bytes exceeds {limit}")
        body = bytearray()
        hurried = False
        while True:
            event = self.reader.h11.next_event()
            if event is h11.NEED_DATA:
                if not hurried:
                    self._allow(self._limits.request_timeout)
                    self.reader.read_bytes, hurried = BODY_RECEIVE_BYTES, True
                await self._continue()
                await self.reader.receive()
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > limit:
                    raise BodyTooLarge(f"body of more than {limit} bytes")
            else:
                break
        if hurried:
            self.scope.deadline, self.reader.read_bytes = math.inf, RECEIVE_BYTES
        return bytes(body)

    async def _continue(self) -> None:
        """Ask for the body, if the client waits for that (RFC 9110 section 10.1.1)."""
        if self.reader.h11.they_are_waiting_for_100_continue:
            response = h11.InformationalResponse(status_code=100, headers=[])
            await self.stream.send_all(self.reader.h11.send(response) or b"")

    async def respond(self, response: EngineResponse, *, head: bool = False) -> bool:
        """Write a whole response.

        Args:
            response: what to write.
            head: leave the body out, as for a HEAD request.

        Returns:
            Whether the connection can carry another request.
        """
        if self.reader.h11.their_state is h11.SEND_BODY:
            self.reader.h11.next_event()  # the end of a request without a body, else there is one that we do not read
        close = response.close or self.reader.h11.their_state is not h11.DONE
        await self.send(_serialise(response, close=close, head=head))
        self._closing = close
        return not close

    async def respond_error(self, status: int) -> None:
        """Answer a request that could not be read, if nothing was written yet; the connection is closed afterwards.

        Raises:
            trio.TooSlowError: the client does not read.
        """
        if not self._responded:
            response = EngineResponse(status, [("Content-Length", "0")])
            with trio.fail_after(self._limits.request_timeout):
                await self.stream.send_all(_serialise(response, close=True, head=False))
            self._closing = True

    async def linger(self) -> None:
        """After the last response: end our half, and let the client end its own.

        To close while it still sends would reset the connection, and destroy the response on its way.
        """
        if self._closing and isinstance(self.stream, trio.abc.HalfCloseableStream):
            with trio.move_on_after(LINGER_TIMEOUT) as self.idle:
                await self.stream.send_eof()
                while await self.stream.receive_some(RECEIVE_BYTES):
                    pass
            self.idle = None
