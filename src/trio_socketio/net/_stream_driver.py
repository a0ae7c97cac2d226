"""The stream driver: serves a WebSocket over any ``trio.abc.Stream`` (TLS, memory, platforms without a reactor).

It reads, feeds the codec, passes packets to its receiver, and writes the contents of the outbox.
"""

from __future__ import annotations

from typing import ClassVar

import trio

from trio_socketio._core import CloseFrame, Failure
from trio_socketio.engineio import Delivery
from trio_socketio.errors import DisconnectReason
from trio_socketio.net._delivery import delivery_of, descriptor_of, piece_bytes
from trio_socketio.net._hang_ups import HangUps
from trio_socketio.net._lingering import CLOSE_TIMEOUT
from trio_socketio.net._task_driver import TaskDriver
from trio_socketio.net._turn import PACKETS_BETWEEN_CHECKPOINTS, Turn

__all__ = ["WRITE_BYTES", "StreamDriver"]

#: The first and the largest size of a read. The size is small at first, because the buffer is allocated before anything
#: has arrived; it doubles while reads fill their buffer.
READ_BYTES, MAX_READ_BYTES = 8192, 65536

#: The most output to write in one ``send_all``. More would only make cancelling coarser.
WRITE_BYTES = 262_144


class StreamDriver(TaskDriver):
    """The transport of a session, or of an upgrade candidate, over a stream.

    Args:
        stream: the stream, after the opening handshake. The driver closes it.
        flush_timeout: how long the last flush may take, in seconds.
        hang_ups: watches the stream's socket while it is not read.
    """

    __slots__ = ("_hang_ups", "_last_packet", "_stream")

    driver = "stream"
    write_bytes = WRITE_BYTES
    gone: ClassVar = (trio.BrokenResourceError, trio.ClosedResourceError)

    def __init__(self, stream: trio.abc.Stream, flush_timeout: float, hang_ups: HangUps) -> None:
        super().__init__(flush_timeout)
        self._stream = stream
        self._hang_ups = hang_ups
        self._last_packet: CloseFrame | Failure | None = None

    def delivery(self, now: float) -> Delivery | None:
        """Return how many of the written bytes the client has received; without a socket, how many the stream took."""
        descriptor = descriptor_of(self._stream)
        if descriptor is None:
            return Delivery(self._taken, 0, now - self._taken_at)
        return delivery_of(descriptor, self._taken)

    # the tasks

    async def run(self, trailing: bytes) -> None:
        """Serve until the WebSocket has ended, and close the stream.

        Args:
            trailing: bytes that arrived with the opening handshake.

        Cancellation: the connection is dropped, and the receiver is notified.
        """
        try:
            await self._serve(self._read, trailing)
            if self._closing and not self._write_scope.cancel_called:
                await self._await_end()
        finally:
            self.receiver.lost(DisconnectReason.TRANSPORT_CLOSE, "the connection was dropped")
            del self.receiver  # breaks a reference cycle
            await trio.aclose_forcefully(self._stream)

    async def _read(self, data: bytes | bytearray) -> None:
        size = READ_BYTES
        while True:
            if data:
                self.receiver.link.feed(data)
                if not await self._hand_over():
                    return
            try:
                data = await self._stream.receive_some(size)
            except self.gone as error:
                self.receiver.lost(DisconnectReason.TRANSPORT_CLOSE, f"the connection broke: {error}")
                return
            if not data:
                self.receiver.lost(DisconnectReason.TRANSPORT_CLOSE, "the client ended the connection")
                return
            size = min(2 * size, MAX_READ_BYTES) if len(data) == size else READ_BYTES

    async def _hand_over(self) -> bool:
        """Pass all packets that were fed to the receiver; return False if reading must end."""
        turn = Turn(PACKETS_BETWEEN_CHECKPOINTS)
        while True:
            while self.receiver.paused:
                with self._hang_ups.watching(self._stream, self._resumed.set) as watch:
                    await self._resumed.wait()
                if watch.hung_up:
                    self.receiver.lost(DisconnectReason.TRANSPORT_CLOSE, "the client ended the connection")
                    return False
            if self._closing:
                return False
            now = trio.current_time()
            packet = self.receiver.link.next_event(now)
            if packet is None:
                break
            self.receiver.receive(packet, now)
            if turn.is_over():
                await trio.lowlevel.checkpoint()
                turn.begin()
            if isinstance(packet, CloseFrame | Failure):
                self._last_packet = packet
                return False
        if self.receiver.link.has_output:
            self._output.set()  # the answer to a WebSocket ping
        return True

    async def _send(self, data: bytes) -> None:
        size = piece_bytes(self._stream, WRITE_BYTES)
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            await self._stream.send_all(piece)
            self._took(len(piece))

    async def _await_end(self) -> None:
        """Wait for the peer's close frame after ours is sent: closing earlier could reset the connection."""
        with trio.move_on_after(CLOSE_TIMEOUT):
            try:
                if isinstance(self._stream, trio.abc.HalfCloseableStream):
                    await self._stream.send_eof()
                while not self._close_frame_came() and (data := await self._stream.receive_some(READ_BYTES)):
                    if self._last_packet is None:
                        self.receiver.link.feed(data)
            except self.gone:
                pass

    def _close_frame_came(self) -> bool:
        """Skip packets up to the peer's close frame; return whether it has arrived. Nothing is read after a failure."""
        while self._last_packet is None:
            packet = self.receiver.link.next_event(trio.current_time())
            if packet is None:
                return False
            if isinstance(packet, CloseFrame | Failure):
                self._last_packet = packet
        return isinstance(self._last_packet, CloseFrame)
