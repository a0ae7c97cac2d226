"""One WebSocket of an application. The connection's task reads it, and the application's task writes messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from trio_socketio._asgi_types import Message
from trio_socketio._core import CloseFrame, Connection, Failure, OutboxPolicy
from trio_socketio.asgi._disconnects import ClientGone, is_of_disconnect
from trio_socketio.asgi._inbox import Inbox
from trio_socketio.asgi._messages import NORMAL, close_of, frame_of
from trio_socketio.asgi._opening import Opening
from trio_socketio.engineio import EngineRequest
from trio_socketio.net import GONE, EngineService, Http1Connection, limit_silence

__all__ = ["WebSocketCall"]

#: How long the client may take to answer the server's close frame, in seconds (RFC 6455 section 7.1.1).
CLOSE_TIMEOUT = 2.0

#: A whole ping frame (RFC 6455 section 5.5.2).
PING = b"\x89\x00"

#: Close codes (RFC 6455 section 7.4).
ABNORMAL, INTERNAL_ERROR, RESTART = 1006, 1011, 1012

#: How many bytes of control frames are taken from the codec at once; they are fewer.
CONTROL_BYTES = 1 << 20


class WebSocketCall:
    """One WebSocket, and the functions ``receive`` and ``send`` of the application.

    Args:
        request: the request for the WebSocket.
        http: its connection.
        service: the objects that all requests share.
    """

    def __init__(self, request: EngineRequest, http: Http1Connection, service: EngineService) -> None:
        options = service.engine.options
        self._http = http
        self._service = service
        self._silence = options.ping_interval, options.ping_timeout
        self._link = Connection(
            service.engine.wheel,
            max_message_bytes=options.max_http_buffer_size,
            max_fragments=options.max_fragments,
            max_packets=1,
            max_bytes=1,
            policy=OutboxPolicy.DISCONNECT,
        )
        self._opening = Opening(http, self._write)
        self._is_closed = False  # by the application
        self._is_told_connect = False
        self._is_gone = False
        self._end: Message = {"type": "websocket.disconnect", "code": ABNORMAL, "reason": ""}
        self._inbox = Inbox()
        self._changed = trio.lowlevel.ParkingLot()
        self._lock = trio.Lock()
        self._scope = trio.CancelScope()
        self._writing = trio.CancelScope()

    @property
    def _is_open(self) -> bool:
        return self._opening.is_accepted and not self._is_closed

    @property
    def _is_unfinished(self) -> bool:
        """Whether the WebSocket is neither closed nor refused by the application."""
        return self._is_open or not self._opening.is_decided

    # the connection's task

    async def handshake(self) -> bool:
        """Check the opening handshake. If it is not valid, answer it and return False."""
        return await self._opening.check()

    async def serve(self) -> None:
        """Wait for the application's decision, then read messages until the WebSocket has ended.

        Cancellation: the application receives ``websocket.disconnect``.
        """
        http = self._http
        limit_silence(http.stream, sum(self._silence))
        try:
            with self._scope, trio.CancelScope() as http.idle:
                if self._service.is_stopping:
                    http.idle.cancel()
                if await self._is_accepted():
                    await self._read(http.trailing_data)
            if http.idle.cancelled_caught and self._is_unfinished:
                await self._stop()
        finally:
            http.idle = None
            self._disconnect(ABNORMAL)

    async def _is_accepted(self) -> bool:
        with self._service.hang_ups.watching(self._http.stream, self._opening.wake) as watch:
            await self._opening.decided()
        return self._opening.is_accepted and not watch.hung_up

    async def _read(self, data: bytes) -> None:
        while True:
            if data:
                self._link.feed(data)
                if not await self._hand_over():
                    return
            received = await self._receive()
            if not received:
                return
            data = received

    async def _receive(self) -> bytes:
        """Wait for bytes, and ping a silent client. Return no bytes if it has disconnected or does not answer."""
        interval, timeout = self._silence
        with trio.move_on_after(interval):
            return await self._http.reader.read()
        try:
            async with self._lock:
                await self._write(self._http.send, PING)
        except ClientGone:
            return b""
        with trio.move_on_after(timeout):
            return await self._http.reader.read()
        return b""

    async def _hand_over(self) -> bool:
        """Pass all messages that were fed to the application; return False if no more will come."""
        while (event := self._link.next_event(trio.current_time())) is not None:
            if isinstance(event, CloseFrame | Failure):
                await self._answer_end(event)
                return False
            if self._is_open and not await self._put(event):
                return False
        if self._link.has_output:
            await self._flush()
        return True

    async def _answer_end(self, end: CloseFrame | Failure) -> None:
        """Answer the client's close frame, or close the WebSocket after a violation of the protocol."""
        if isinstance(end, CloseFrame):
            code, reason, answer = end.code, end.reason, ""
        else:
            code, reason, answer = end.close_code, end.text, end.text
        if self._is_open:
            self._link.close(code, answer)
            await self._flush()
        self._http.wrote_last()
        self._disconnect(code, reason)

    async def _put(self, message: str | bytes) -> bool:
        while self._inbox.is_full and self._is_open:
            with self._service.hang_ups.watching(self._http.stream, self._inbox.wake) as watch:
                await self._inbox.changed()
            if watch.hung_up:
                return False
        self._inbox.put(message)
        self._changed.unpark_all()
        return True

    async def _stop(self) -> None:
        """Close the WebSocket, because the server stops."""
        if self._is_open and not self._lock.locked():
            self._link.close(RESTART, "the server stops")
            await self._flush()
        self._disconnect(RESTART, "the server stops")

    async def _flush(self) -> None:
        """Write what the codec has to send: pongs and the close frame."""
        async with self._lock:
            data = self._link.take(CONTROL_BYTES)
            if data:
                await self._http.send(data)

    def _disconnect(self, code: int, reason: str = "") -> None:
        if not self._is_gone:
            self._is_gone = True
            if not self._is_closed:
                self._end = {"type": "websocket.disconnect", "code": code, "reason": reason}
            self._writing.cancel()
            self._changed.unpark_all()

    # the application's task

    async def receive(self) -> Message:
        """Return the next message for the application."""
        await trio.lowlevel.checkpoint()
        if not self._is_told_connect:
            self._is_told_connect = True
            return {"type": "websocket.connect"}
        while not self._inbox and not self._is_gone:
            await self._changed.park()
        if not self._inbox:
            return dict(self._end)
        message = self._inbox.take()
        if isinstance(message, str):
            return {"type": "websocket.receive", "text": message}
        return {"type": "websocket.receive", "bytes": message}

    async def send(self, message: Message) -> None:
        """Take a message of the application, and wait until the connection has taken what it contains.

        Raises:
            OSError: the client has disconnected.
            RuntimeError: the message may not come now.
            ValueError, TypeError: the message is malformed.
        """
        kind = message["type"]
        async with self._lock:
            if self._is_gone:
                raise ClientGone("the client has disconnected")
            if not self._opening.is_decided:
                await self._opening.take(message)
                if not self._is_unfinished:
                    self._disconnect(ABNORMAL)
            elif not self._is_closed and kind == "websocket.send":
                await self._write(self._http.send, frame_of(message))
            elif not self._is_closed and kind == "websocket.close":
                await self._close(*close_of(message))
            else:
                state = "closed" if self._is_closed else "open"
                raise RuntimeError(f"unexpected message {kind!r}: the WebSocket is {state}")

    async def _close(self, code: int, reason: str) -> None:
        self._is_closed = True
        self._end = {"type": "websocket.disconnect", "code": code, "reason": reason}
        self._link.close(code, reason)
        self._inbox.wake()
        await self._write(self._http.send, self._link.take(CONTROL_BYTES))
        if self._http.idle is not None:
            self._http.idle.deadline = trio.current_time() + CLOSE_TIMEOUT

    async def _write(self, write: Callable[..., Awaitable[object]], *args: object) -> bool:
        """Call a function that writes; return whether its result is true."""
        result: object = None
        with trio.CancelScope() as self._writing:
            try:
                result = await write(*args)
            except (*GONE, trio.TooSlowError):
                self._disconnect(ABNORMAL)
                self._scope.cancel()
        if self._is_gone:
            raise ClientGone("the client has disconnected")
        return bool(result)

    # the end of the application's task

    @property
    def is_unanswered(self) -> bool:
        """Whether the client still waits for the application's decision."""
        return not self._opening.is_decided and not self._is_gone

    def explains(self, error: BaseException) -> bool:
        """Return whether an exception only says that the client has disconnected, and it has."""
        return self._is_gone and is_of_disconnect(error)

    async def fail(self) -> None:
        """End the WebSocket, because the application has failed: with status 500, or with close code 1011."""
        await self._end_with(INTERNAL_ERROR)

    async def finish(self) -> None:
        """Close the WebSocket, because the application has returned."""
        await self._end_with(NORMAL)

    async def _end_with(self, code: int) -> None:
        async with self._lock:
            if self._is_gone or self._is_closed:
                return
            try:
                if self._is_open:
                    await self._close(code, "")
                    return
                is_answered = await self._opening.fail()
                self._disconnect(ABNORMAL)
                if not is_answered:
                    self._scope.cancel()
            except ClientGone:
                pass
