"""One HTTP request to an application: the connection's task reads it, the application's task writes the response."""

from __future__ import annotations

from enum import Enum, auto

import trio

from trio_socketio._asgi_types import Message
from trio_socketio._signal import Signal
from trio_socketio.asgi._disconnects import is_of_disconnect
from trio_socketio.asgi._response import FAILED, Response
from trio_socketio.engineio import EngineRequest
from trio_socketio.net import GONE, EngineService, Http1Connection

__all__ = ["HttpCall"]

#: How many bytes of a body wait for the application. When there are so many, the connection is not read.
BUFFER_BYTES = 65536


class State(Enum):
    """The state of the response."""

    NONE = auto()
    STARTED = auto()  #: the application has named the head, which is written with the first part of the body
    COMPLETE = auto()


class HttpCall:
    """One request, and the functions ``receive`` and ``send`` with which the application answers it.

    Args:
        request: the request.
        http: its connection. It is not used any more when the response is complete, or the client has disconnected.
        service: the objects that all requests share.
    """

    def __init__(self, request: EngineRequest, http: Http1Connection, service: EngineService) -> None:
        self._request = request
        self._http = http
        self._service = service
        self._body = http.streamed_body(request)
        self._buffer = bytearray(self._body.take_arrived())
        self._is_delivered = False  # the application has received the whole body
        self._is_gone = False
        self._is_wanted = False  # the application waits for the body, or has waited
        self._room = Signal()
        self._changed = trio.lowlevel.ParkingLot()
        self._lock = trio.Lock()
        self._writing = trio.CancelScope()
        self._state = State.NONE
        self._response: Response | None = None

    # the connection's task

    def begin(self) -> None:
        """Prepare the connection for the response, before the application's task starts."""
        if self._body.is_complete:
            self._http.reader.hold()

    async def serve(self) -> bool:
        """Read the body, and what follows it, until the response is complete; return whether to read another request.

        Raises:
            h11.RemoteProtocolError: the body is malformed.

        Cancellation: the application receives ``http.disconnect``.
        """
        try:
            if not self._body.is_complete:
                if not await self._read_body():
                    return False
                self._http.reader.hold()
            return await self._http.reader.released() and self._http.is_reusable
        finally:
            self._disconnect()

    async def _read_body(self) -> bool:
        body = self._body
        while not body.is_complete:
            if len(self._buffer) >= BUFFER_BYTES or (body.awaits_continue and not self._is_wanted):
                body.pause()
                with self._service.hang_ups.watching(self._http.stream, self._room.set) as watch:
                    await self._room.wait()
                if watch.hung_up:
                    return False
            else:
                self._buffer += await body.read()
                self._changed.unpark_all()
        return True

    def _disconnect(self) -> None:
        if self._state is not State.COMPLETE:
            self._is_gone = True
            self._writing.cancel()
        self._changed.unpark_all()

    # the application's task

    async def receive(self) -> Message:
        """Return the next message for the application: the next part of the body, or the disconnect."""
        await trio.lowlevel.checkpoint()
        while not self._is_gone and not self._is_delivered and self._state is not State.COMPLETE:
            if self._buffer or self._body.is_complete:
                return self._next_part()
            self._is_wanted = True
            self._room.set()
            await self._changed.park()
        while not self._is_gone and self._state is not State.COMPLETE:
            await self._changed.park()
        return {"type": "http.disconnect"}

    def _next_part(self) -> Message:
        part = bytes(self._buffer)
        self._buffer.clear()
        self._is_delivered = self._body.is_complete
        self._room.set()
        return {"type": "http.request", "body": part, "more_body": not self._is_delivered}

    async def send(self, message: Message) -> None:
        """Take a message of the application, and wait until the connection has taken what it contains.

        After the client has disconnected, this does nothing.

        Raises:
            RuntimeError: the message may not come now, or the body does not have the announced length.
            ValueError, TypeError: the message is malformed.
        """
        kind = message["type"]
        async with self._lock:
            if self._is_gone:
                return
            if self._state is State.NONE and kind == "http.response.start":
                is_old = self._http.head.http_version < b"1.1"
                self._response = Response(message, self._request.method, is_old=is_old)
                self._state = State.STARTED
            elif self._response is not None and kind == "http.response.body" and not self.is_complete:
                await self._send_body(self._response, message)
            else:
                raise RuntimeError(f"unexpected message {kind!r}: {_EXPECTED[self._state]}")

    async def _send_body(self, response: Response, message: Message) -> None:
        is_last = False
        with trio.CancelScope() as self._writing:
            try:
                is_last = await response.write(self._http, message)
            except (*GONE, trio.TooSlowError):
                self.abort()
        if is_last and not self._is_gone:
            self._complete()

    def _complete(self) -> None:
        self._state = State.COMPLETE
        self._http.responded(trio.current_time(), stop=self._service.is_stopping)
        self._changed.unpark_all()

    # the end of the application's task

    @property
    def is_complete(self) -> bool:
        """Whether the response is complete."""
        return self._state is State.COMPLETE

    @property
    def is_unanswered(self) -> bool:
        """Whether the client still waits for the end of the response."""
        return not self.is_complete and not self._is_gone

    def explains(self, error: BaseException) -> bool:
        """Return whether an exception only says that the client has disconnected, and it has."""
        return self._is_gone and is_of_disconnect(error)

    async def fail(self) -> None:
        """End the response, because the application has failed: with status 500 if nothing is written yet.

        The connection closes. Do nothing if the response is complete.
        """
        if not self.is_unanswered:
            return
        if self._response is not None and self._response.is_begun:
            self.abort()
            return
        is_head = self._request.method == "HEAD"
        with trio.CancelScope() as self._writing:
            try:
                await self._http.finish_response(self._http.begin_response(FAILED, head=is_head))
            except (*GONE, trio.TooSlowError):
                self.abort()
        if not self._is_gone:
            self._complete()

    async def finish(self) -> None:
        """Do nothing: the response is complete."""

    def abort(self) -> None:
        """Close the connection in the middle of the response."""
        self._disconnect()
        self._http.scope.cancel()


_EXPECTED = {
    State.NONE: "the response begins with 'http.response.start'",
    State.STARTED: "'http.response.body' follows",
    State.COMPLETE: "the response is complete",
}
