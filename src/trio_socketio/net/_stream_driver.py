"""The stream driver: serves a WebSocket over any ``trio.abc.Stream`` (TLS, memory, platforms without a reactor).

It reads, feeds the codec, passes packets to its receiver, and writes the contents of the outbox.
"""

from __future__ import annotations

import math

import trio

from trio_socketio._core import CloseFrame, Failure
from trio_socketio._signal import Signal
from trio_socketio.engineio import Delivery, Receiver, TransportName
from trio_socketio.errors import DisconnectReason
from trio_socketio.net._delivery import delivery_of, descriptor_of, piece_bytes
from trio_socketio.net._hang_ups import HangUps
from trio_socketio.net._lingering import CLOSE_TIMEOUT
from trio_socketio.net._turn import PACKETS_BETWEEN_CHECKPOINTS, Turn

__all__ = ["WRITE_BYTES", "StreamDriver"]

#: The first and the largest size of a read. The size is small at first, because the buffer is allocated before anything
#: has arrived; it doubles while reads fill their buffer.
READ_BYTES, MAX_READ_BYTES = 8192, 65536

#: The most output to write in one ``send_all``. More would only make cancelling coarser.
WRITE_BYTES = 262_144


class StreamDriver:
    """The transport of a session, or of an upgrade candidate, over a stream.

    Args:
        stream: the stream, after the opening handshake. The driver closes it.
        flush_timeout: how long the last flush may take, in seconds.
        hang_ups: watches the stream's socket while it is not read.

    Attributes:
        receiver: the session or candidate that receives the packets; set it before ``run``.
    """

    __slots__ = (
        "_closing", "_hang_ups", "_last_packet", "_output", "_read_scope", "_resumed", "_sending", "_stream", "_taken",
        "_taken_at",
        "_write_scope", "flush_timeout", "receiver",
    )  # fmt: skip

    name: TransportName = "websocket"
    polls = None
    driver = "stream"
    receiver: Receiver

    def __init__(self, stream: trio.abc.Stream, flush_timeout: float, hang_ups: HangUps) -> None:
        self._stream = stream
        self._hang_ups = hang_ups
        self.flush_timeout = flush_timeout
        self._output = Signal()
        self._resumed = Signal()
        self._read_scope = trio.CancelScope()
        self._write_scope = trio.CancelScope()
        self._closing = False
        self._last_packet: CloseFrame | Failure | None = None
        self._sending = False
        self._taken = 0
        self._taken_at = -math.inf

    # called by the engine

    def attach(self, receiver: Receiver) -> None:
        """Pass packets to this receiver from now on."""
        self.receiver = receiver

    def wake(self) -> None:
        """Write soon, because the outbox has output."""
        self._output.set()

    def resume(self) -> None:
        """Continue reading."""
        self._resumed.set()

    def close(self) -> None:
        """Send queued packets and the close frame, then end."""
        self._end(self.flush_timeout)

    def abort(self, *, goodbye: bool) -> None:
        """End at once. The close frame is only sent if no other write is in progress."""
        if goodbye and not self._sending:
            self._end(CLOSE_TIMEOUT)
            return
        self._closing = True
        self._write_scope.cancel()
        self._resumed.set()

    def delivery(self, now: float) -> Delivery | None:
        """Return how many of the written bytes the client has received; without a socket, how many the stream took."""
        descriptor = descriptor_of(self._stream)
        if descriptor is None:
            return Delivery(self._taken, 0, now - self._taken_at)
        return delivery_of(descriptor, self._taken)

    def _end(self, timeout: float) -> None:
        self._closing = True
        self._write_scope.deadline = min(self._write_scope.deadline, trio.current_time() + timeout)
        self._output.set()
        self._resumed.set()

    # the tasks

    async def run(self, trailing: bytes) -> None:
        """Serve until the WebSocket has ended, and close the stream.

        Args:
            trailing: bytes that arrived with the opening handshake.

        Cancellation: the connection is dropped, and the receiver is notified.
        """
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write)
                with self._read_scope:
                    await self._read(trailing)
                if not self._closing:
                    self._write_scope.cancel()
            if self._closing and not self._write_scope.cancel_called:
                await self._await_end()
        finally:
            self.receiver.lost(DisconnectReason.TRANSPORT_CLOSE, "the connection was dropped")
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
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
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

    @trio.lowlevel.enable_ki_protection
    async def _write(self) -> None:
        with self._write_scope:
            while True:
                await self._output.wait()
                while data := self.receiver.link.take(WRITE_BYTES):
                    receiver = self.receiver
                    self._sending = True
                    try:
                        await self._send(data)
                    except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                        receiver.lost(DisconnectReason.TRANSPORT_CLOSE, f"the connection broke: {error}")
                        self._read_scope.cancel()
                        return
                    finally:
                        self._sending = False
                    receiver.written(trio.current_time())
                if self._closing:
                    break
        self._read_scope.cancel()

    async def _send(self, data: bytes) -> None:
        size = piece_bytes(self._stream, WRITE_BYTES)
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            await self._stream.send_all(piece)
            self._taken += len(piece)
            self._taken_at = trio.current_time()

    async def _await_end(self) -> None:
        """Wait for the peer's close frame after ours is sent: closing earlier could reset the connection."""
        with trio.move_on_after(CLOSE_TIMEOUT):
            try:
                if isinstance(self._stream, trio.abc.HalfCloseableStream):
                    await self._stream.send_eof()
                while not self._close_frame_came() and (data := await self._stream.receive_some(READ_BYTES)):
                    if self._last_packet is None:
                        self.receiver.link.feed(data)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
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
