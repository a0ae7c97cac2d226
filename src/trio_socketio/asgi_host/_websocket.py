"""A WebSocket of an ASGI server as a transport: whole messages in and out, without frames."""

from __future__ import annotations

from collections import deque
from typing import ClassVar

import trio

from trio_socketio._asgi_types import Message, Receive, Send
from trio_socketio._core import Failure
from trio_socketio.asgi_host._exchange import GONE
from trio_socketio.asgi_host._frames import BINARY, CLOSE, TEXT, split_frames
from trio_socketio.engineio import Delivery
from trio_socketio.errors import DisconnectReason
from trio_socketio.net import TaskDriver

__all__ = ["AsgiWebSocket"]

#: The most output to take from the outbox at once. The messages in it are then given to the server one by one.
WRITE_BYTES = 65536


class AsgiWebSocket(TaskDriver):
    """The transport of a session, or of an upgrade candidate, over a WebSocket that the ASGI server has accepted.

    The server gives the next message only when it is asked for, and returns from ``send`` when it has written. That is
    all the backpressure there is. While the session is paused, messages are taken until they have
    ``max_message_bytes``, because only then a disconnect is seen.

    Args:
        receive: returns the next message of the server.
        send: takes a message for the server.
        flush_timeout: how long the last flush may take, in seconds.
        max_message_bytes: the largest message that the client may send.
    """

    __slots__ = ("_held", "_max_message_bytes", "_receive", "_send_message")

    driver = "asgi"
    write_bytes = WRITE_BYTES
    gone: ClassVar = GONE

    def __init__(self, receive: Receive, send: Send, flush_timeout: float, max_message_bytes: int) -> None:
        super().__init__(flush_timeout)
        self._receive = receive
        self._send_message = send
        self._max_message_bytes = max_message_bytes
        self._held: deque[Message] = deque()

    def delivery(self, now: float) -> Delivery:
        """Return how many bytes the ASGI server has taken."""
        return Delivery(self._taken, 0, now - self._taken_at)

    # the tasks

    async def run(self) -> None:
        """Serve until the WebSocket has ended.

        Cancellation: the WebSocket is dropped, and the receiver is notified.
        """
        try:
            await self._serve(self._read)
        finally:
            self.receiver.lost(DisconnectReason.TRANSPORT_CLOSE, "the connection was dropped")

    async def _read(self) -> None:
        while not self._closing:
            if self._held:
                await trio.lowlevel.checkpoint()
                message = self._held.popleft()
            else:
                message = await self._receive()
            while self.receiver.paused and not self._is_end(message):
                if await self._pause_ends():
                    message = self._held.pop()
            if self._is_end(message):
                self.receiver.lost(DisconnectReason.TRANSPORT_CLOSE, "the client ended the connection")
                return
            if not self._closing:
                self._deliver(message)

    @staticmethod
    def _is_end(message: Message) -> bool:
        return bool(message["type"] == "websocket.disconnect")

    def _deliver(self, message: Message) -> None:
        now, limit = trio.current_time(), self._max_message_bytes
        text: str | None = message.get("text")
        packet: str | bytes = message.get("bytes") or b"" if text is None else text
        size = _size(packet)
        if size > limit:
            self.receiver.receive(
                Failure(f"message of {size} bytes exceeds max_http_buffer_size={limit}", 1009), now
            )
        else:
            self.receiver.receive(packet, now)

    async def _pause_ends(self) -> bool:
        """Wait until the pause ends. Return True if the client has disconnected; this is the last message held."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._hold)
            await self._resumed.wait()
            nursery.cancel_scope.cancel()
        return bool(self._held) and self._is_end(self._held[-1])

    async def _hold(self) -> None:
        """Take messages until there are too many bytes, or the client disconnects."""
        size = sum(map(_message_size, self._held))
        while size <= self._max_message_bytes:
            message = await self._receive()
            self._held.append(message)
            if self._is_end(message):
                self._resumed.set()
                return
            size += _message_size(message)

    async def _send(self, data: bytes) -> None:
        for opcode, payload in split_frames(data):
            if opcode == TEXT:
                await self._send_message(
                    {"type": "websocket.send", "text": payload.decode("utf-8", "replace")}
                )
            elif opcode == BINARY:
                await self._send_message({"type": "websocket.send", "bytes": payload})
            elif opcode == CLOSE:
                code = int.from_bytes(payload[:2], "big") or 1000
                reason = payload[2:].decode("utf-8", "replace")
                await self._send_message({"type": "websocket.close", "code": code, "reason": reason})
            self._took(len(payload))


def _size(packet: str | bytes) -> int:
    """Return the size of a message in bytes."""
    if isinstance(packet, str) and not packet.isascii():
        return len(packet.encode("utf-8", "surrogatepass"))
    return len(packet)


def _message_size(message: Message) -> int:
    return len(message.get("text") or "") + len(message.get("bytes") or b"")
