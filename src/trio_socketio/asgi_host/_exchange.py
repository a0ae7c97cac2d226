"""One request and its answer, through the functions of an ASGI server."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import trio

from trio_socketio._asgi_types import Message, Receive, Scope, Send
from trio_socketio.engineio import EngineRequest, EngineResponse
from trio_socketio.net import BodyTooLarge, EngineHost

__all__ = ["GONE", "AsgiExchange", "asgi_headers", "client_may_leave"]

#: How many bytes of a response the client must take within ``request_timeout``.
PIECE_BYTES = 65536

#: The errors that servers raise when a message is sent after the client has disconnected. Hypercorn raises
#: ``BusyResourceError`` while it ends the connection: the half-close of Trio is a send, and two may not overlap.
GONE = (OSError, trio.BrokenResourceError, trio.BusyResourceError, trio.ClosedResourceError)


@contextmanager
def client_may_leave(logger: logging.Logger) -> Iterator[None]:
    """End the ``with`` block without an error if the client disconnects, or is too slow."""
    try:
        yield
    except trio.TooSlowError:
        logger.debug("a request was not read or answered in time", exc_info=True)
    except GONE:
        logger.debug("a client disconnected during its request", exc_info=True)


@dataclass(slots=True)
class HangUp:
    """Whether the client has disconnected.

    Attributes:
        hung_up: whether it has.
    """

    hung_up: bool = False


class AsgiExchange:
    """One request and its answer.

    Args:
        request: the request.
        scope: its scope.
        receive: returns the next message of the server.
        send: takes a message for the server.
        host: the host of the engine.
        nursery: runs a task while the exchange waits for a disconnect.

    Attributes:
        request: the request.
        idle: the scope of a wait that is cancelled when the server stops; None: there is none.
    """

    def __init__(
        self,
        request: EngineRequest,
        scope: Scope,
        receive: Receive,
        send: Send,
        host: EngineHost,
        nursery: trio.Nursery,
    ) -> None:
        self.request = request
        self.idle: trio.CancelScope | None = None
        self._is_http1 = scope.get("http_version", "1.1").startswith("1.")
        self._receive = receive
        self._send = send
        self._service = host.service
        self._timeout = host.options.limits.request_timeout
        self._nursery = nursery

    def stop(self) -> None:
        """End the wait for the application or for the rest of a body, because the server stops."""
        if self.idle is not None:
            self.idle.cancel()

    # the request

    async def refusal(self) -> EngineResponse | None:
        """Return the response to a request that may not go on to the engine; None: it may."""
        admission = self._service.admission
        if admission.may_wait(self.request):
            return await admission.check(self.request, self)
        return admission.check_now(self.request)

    async def read_body(self, limit: int, received: Callable[[int], None]) -> bytes:
        """Read the body. Each message of it must arrive within ``request_timeout``.

        Args:
            limit: the largest size of the body in bytes.
            received: called with the number of bytes in each message.

        Raises:
            BodyTooLarge: the body is larger than ``limit``.
            trio.BrokenResourceError: the client has disconnected.
            trio.TooSlowError: the client takes too long, or the server stops.
        """
        announced = self.request.headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > limit:
            raise BodyTooLarge(f"the body of {announced} bytes is larger than max_http_buffer_size={limit}")
        body = bytearray()
        more = True
        try:
            while more:
                with trio.fail_after(self._timeout) as self.idle:
                    message = await self._receive()
                if message["type"] == "http.disconnect":
                    raise trio.BrokenResourceError("the client disconnected before its request was complete")
                body += message.get("body", b"")
                if len(body) > limit:
                    raise BodyTooLarge(f"the body is larger than max_http_buffer_size={limit}")
                more = message.get("more_body", False)
                received(len(message.get("body", b"")))
        finally:
            self.idle = None
        return bytes(body)

    @contextmanager
    def watching_hang_up(self, notify: Callable[[], None]) -> Iterator[HangUp]:
        """Call ``notify`` if the client disconnects during a ``with`` block, which begins after its request."""
        hang_up, scope = HangUp(), trio.CancelScope()

        async def watch() -> None:
            with scope:
                while (await self._receive())["type"] != "http.disconnect":
                    pass
                hang_up.hung_up = True
                notify()

        self._nursery.start_soon(watch, name="waiting for a disconnect")
        try:
            yield hang_up
        finally:
            scope.cancel()

    # the response

    def finished(self, response: EngineResponse, *, initial: bool = False) -> EngineResponse:
        """Return the response with the header fields that the application adds; ``initial``: it opens a session."""
        return self._service.headers.finished(self.request, response, initial=initial)

    async def respond(self, response: EngineResponse) -> None:
        """Send a response without the fields that the application adds.

        Raises:
            OSError: the client has disconnected; not all servers raise this.
            trio.TooSlowError: the client took less than ``PIECE_BYTES`` within ``request_timeout``.
        """
        headers = asgi_headers(response)
        if response.close and self._is_http1:
            headers.append((b"connection", b"close"))
        head = {"type": "http.response.start", "status": response.status, "headers": headers}
        await self.send_in_time(head)
        body = b"" if self.request.method == "HEAD" else response.body
        for start in range(0, max(len(body), 1), PIECE_BYTES):
            piece = body[start : start + PIECE_BYTES]
            more = start + PIECE_BYTES < len(body)
            await self.send_in_time({"type": "http.response.body", "body": piece, "more_body": more})

    async def send_in_time(self, message: Message) -> None:
        """Pass a message to the server. Raises the same as ``respond``."""
        with trio.fail_after(self._timeout):
            await self._send(message)


def asgi_headers(response: EngineResponse) -> list[tuple[bytes, bytes]]:
    """Return the header fields of a response as ASGI has them."""
    return [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.headers]
