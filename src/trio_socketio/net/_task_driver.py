"""The common part of WebSocket transports that have tasks of their own: one that reads, and one that writes."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import trio

from trio_socketio._signal import Signal
from trio_socketio.engineio import Receiver, TransportName
from trio_socketio.errors import DisconnectReason
from trio_socketio.net._lingering import CLOSE_TIMEOUT

__all__ = ["TaskDriver"]


class TaskDriver(ABC):
    """The transport of a session, or of an upgrade candidate. Subclasses read and write their connection.

    Args:
        flush_timeout: how long the last flush may take, in seconds.

    Attributes:
        receiver: the session or candidate that receives the packets; set it before the tasks run.
        write_bytes: the most output to take from the outbox at once.
        gone: the errors of ``_send`` after the client has disconnected.
    """

    __slots__ = (
        "_closing", "_output", "_read_scope", "_resumed", "_sending", "_taken", "_taken_at", "_write_scope",
        "flush_timeout", "receiver",
    )  # fmt: skip

    name: TransportName = "websocket"
    polls = None
    receiver: Receiver
    write_bytes: ClassVar[int]
    gone: ClassVar[tuple[type[Exception], ...]]

    def __init__(self, flush_timeout: float) -> None:
        self.flush_timeout = flush_timeout
        self._output = Signal()
        self._resumed = Signal()
        self._read_scope = trio.CancelScope()
        self._write_scope = trio.CancelScope()
        self._closing = False
        self._sending = False
        self._taken = 0
        self._taken_at = -math.inf

    @abstractmethod
    async def _send(self, data: bytes) -> None:
        """Write output of the connection object: complete frames. Call ``_took`` for each part that is written."""

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

    def _end(self, timeout: float) -> None:
        self._closing = True
        self._write_scope.deadline = min(self._write_scope.deadline, trio.current_time() + timeout)
        self._output.set()
        self._resumed.set()

    # the tasks

    async def _serve(self, read: Callable[..., Awaitable[None]], *args: Any) -> None:
        """Run both tasks. If reading ends first, the writing task only goes on if the transport closes in order."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write)
            with self._read_scope:
                await read(*args)
            if not self._closing:
                self._write_scope.cancel()

    @trio.lowlevel.enable_ki_protection
    async def _write(self) -> None:
        with self._write_scope:
            while await self._write_output() and not self._closing:
                pass
        self._read_scope.cancel()

    async def _write_output(self) -> bool:
        """Wait for output, and write all of it. Return False if the client has disconnected."""
        await self._output.wait()
        # After an abort, a writer that was woken before does not see the cancellation until ``_send`` waits.
        while not self._write_scope.cancel_called and (data := self.receiver.link.take(self.write_bytes)):
            receiver = self.receiver
            self._sending = True
            try:
                await self._send(data)
            except self.gone as error:
                receiver.lost(DisconnectReason.TRANSPORT_CLOSE, f"the connection broke: {error}")
                return False
            finally:
                self._sending = False
            receiver.written(trio.current_time())
        return True

    def _took(self, size: int) -> None:
        """Note that bytes were written."""
        self._taken += size
        self._taken_at = trio.current_time()
