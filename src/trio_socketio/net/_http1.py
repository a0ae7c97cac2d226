"""HTTP/1.1 over a stream, by h11: one request at a time, limits checked before a body is read."""

from __future__ import annotations

from dataclasses import dataclass

import h11
import trio

from trio_socketio.engineio import EngineResponse

__all__ = ["BodyTooLarge", "Http1Connection", "HttpLimits"]

#: Enough for any head; a body is read in larger pieces. The buffer is allocated before anything has come.
RECEIVE_BYTES, BODY_RECEIVE_BYTES = 8192, 65536

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


def _head_bytes(request: h11.Request) -> int:
    """The size of a request's head, blank line and all."""
    fields = sum(len(name) + len(value) + len(b": \r\n") for name, value in request.headers.raw_items())
    return len(request.method) + len(request.target) + len(b"  HTTP/1.1\r\n") + fields + len(b"\r\n")


class BodyTooLarge(Exception):
    """The body is larger than its limit; it has not been read."""


class Http1Connection:
    """The server's end of one HTTP/1.1 connection.

    Attributes:
        stream: the byte stream; ours to use, not to close.
        idle: while this scope is entered, nothing but a new request is waited for, so it may be cancelled.
    """

    def __init__(self, stream: trio.abc.Stream, limits: HttpLimits) -> None:
        self.stream = stream
        self.idle: trio.CancelScope | None = None
        self._limits = limits
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.max_header_bytes)
        self._first = True

    @property
    def trailing_data(self) -> bytes:
        """What the client sent behind the request."""
        return self._h11.trailing_data[0]

    async def _receive(self, max_bytes: int = RECEIVE_BYTES) -> None:
        self._h11.receive_data(bytes(await self.stream.receive_some(max_bytes)))

    async def send(self, data: bytes) -> None:
        """Write bytes as they are.

        Raises:
            trio.TooSlowError: the client does not read.
            trio.BrokenResourceError: the connection is broken.
        """
        for start in range(0, len(data), SEND_BYTES):
            with trio.fail_after(self._limits.request_timeout):
                await self.stream.send_all(data[start : start + SEND_BYTES])

    async def next_request(self) -> h11.Request | None:
        """The next request; None when the client has gone, or took too long.

        Raises:
            h11.RemoteProtocolError: the request is malformed; ``respond_error`` answers it.
            trio.BrokenResourceError: the connection is broken.
        """
        limits = self._limits
        if not self._first:
            self._h11.start_next_cycle()
        event = self._h11.next_event()
        if event is h11.NEED_DATA and not self._first:
            with trio.move_on_after(limits.keep_alive_timeout) as self.idle:
                await self._receive()
                event = self._h11.next_event()
            idle, self.idle = self.idle, None
            if idle.cancelled_caught:
                return None
        self._first = False
        if event is h11.NEED_DATA:
            with trio.move_on_after(limits.header_timeout) as self.idle:
                while event is h11.NEED_DATA:
                    await self._receive()
                    event = self._h11.next_event()
            idle, self.idle = self.idle, None
            if idle.cancelled_caught:
                return None
        if not isinstance(event, h11.Request):
            return None
        if not event.http_version.startswith(b"1."):
            raise h11.RemoteProtocolError("this is not HTTP/1", error_status_hint=505)
        if _head_bytes(event) > limits.max_header_bytes:
            raise h11.RemoteProtocolError("the head of the request is too long", error_status_hint=431)
        return event

    async def read_body(self, announced: str, limit: int) -> bytes:
        """The body of the current request.

        Args:
            announced: its Content-Length field, blank if there is none; h11 has checked its form.
            limit: its largest size in bytes.

        Raises:
            BodyTooLarge: the head announces more, or more has come.
            h11.RemoteProtocolError, trio.BrokenResourceError: it never came whole.
            trio.TooSlowError: it did not come within ``request_timeout``.
        """
        if announced and int(announced) > limit:
            raise BodyTooLarge(f"body of {announced} bytes exceeds {limit}")
        body = bytearray()
        with trio.fail_after(self._limits.request_timeout):
            while True:
                event = self._h11.next_event()
                if event is h11.NEED_DATA:
                    if self._h11.they_are_waiting_for_100_continue:
                        response = h11.InformationalResponse(status_code=100, headers=[])
                        await self.send(self._h11.send(response) or b"")
                    await self._receive(BODY_RECEIVE_BYTES)
                elif isinstance(event, h11.Data):
                    body += event.data
                    if len(body) > limit:
                        raise BodyTooLarge(f"body of more than {limit} bytes")
                else:
                    return bytes(body)

    async def respond(self, response: EngineResponse, *, head: bool = False) -> bool:
        """Write a whole response.

        Args:
            response: what to write.
            head: leave the body out, as for a HEAD request.

        Returns:
            Whether the connection can carry another request.
        """
        headers: list[tuple[str, str]] = list(response.headers)
        if self._h11.their_state is h11.SEND_BODY:
            self._h11.next_event()  # the end of a request without a body, else there is one that we do not read
        if response.close or self._h11.their_state is not h11.DONE:
            headers.append(("Connection", "close"))
        data = self._h11.send(h11.Response(status_code=response.status, headers=headers)) or b""
        if response.body and not head:
            data += self._h11.send(h11.Data(data=response.body)) or b""
        data += self._h11.send(h11.EndOfMessage()) or b""
        await self.send(data)
        return self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE

    async def respond_error(self, status: int) -> None:
        """Answer a request that could not be read; the connection is closed afterwards."""
        if self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            headers = [("Connection", "close"), ("Content-Length", "0")]
            data = self._h11.send(h11.Response(status_code=status, headers=headers)) or b""
            await self.send(data + (self._h11.send(h11.EndOfMessage()) or b""))

    async def linger(self) -> None:
        """After the last response: end our half, and let the client end its own.

        To close while it still sends would reset the connection, and destroy the response on its way.
        """
        if self._h11.our_state is h11.MUST_CLOSE and isinstance(self.stream, trio.abc.HalfCloseableStream):
            with trio.move_on_after(LINGER_TIMEOUT) as self.idle:
                await self.stream.send_eof()
                while await self.stream.receive_some(RECEIVE_BYTES):
                    pass
            self.idle = None

    async def wait(self, event: trio.Event) -> bool:
        """Wait for ``event`` while the client is connected; returns False if it has gone first.

        What it sends meanwhile is kept for the next request, as much as a head may have; then no more is read.
        """
        gone = False

        async def watch() -> None:
            nonlocal gone
            kept = 0
            while kept < self._limits.max_header_bytes:
                try:
                    data = bytes(await self.stream.receive_some(RECEIVE_BYTES))
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    data = b""
                if not data:
                    gone = True
                    nursery.cancel_scope.cancel()
                    return
                kept += len(data)
                self._h11.receive_data(data)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            await event.wait()
            nursery.cancel_scope.cancel()
        return not gone
