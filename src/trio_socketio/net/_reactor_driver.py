"""The reactor driver: serves thousands of WebSockets over plain sockets in three tasks.

C code reads, parses and writes (``csrc/reactor.h``). This module manages the closing of each WebSocket.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING

import trio

from trio_socketio._core import (
    CloseFrame,
    Connection,
    Failure,
    FlushList,
    Reactor,
    ReactorTransport,
    release_memory,
)
from trio_socketio._signal import Signal
from trio_socketio.engineio import Delivery, Receiver, TransportName
from trio_socketio.errors import DisconnectReason
from trio_socketio.net._delivery import delivery_of
from trio_socketio.net._round import Rounds

__all__ = ["ReactorDriver", "ReactorHost"]

#: How long the peer may take to answer the server's close frame, or to receive one before an abort, in seconds (RFC
#: 6455 section 7.1.1).
CLOSE_TIMEOUT = 2.0

#: If there were at least so many WebSockets, free memory is returned to the system when half of them have ended.
MANY = 1000


class Phase(Enum):
    """The phase of a WebSocket."""

    OPEN = auto()
    CLOSING = auto()  #: queued packets and the close frame are being written
    ENDING = auto()  #: all is written; waits for the peer's close frame, as a reset could destroy sent data
    GONE = auto()  #: the socket is closed


class ReactorDriver:
    """The transport of a session, or of an upgrade candidate, in a reactor.

    Attributes:
        receiver: the session or candidate that receives the packets.
        on_gone: called when the socket is closed, before the receiver is notified; None: nothing to call.
    """

    __slots__ = ("_host", "_peer_ended", "_phase", "on_gone", "receiver")

    name: TransportName = "websocket"
    polls = None
    driver = "reactor"
    receiver: Receiver

    def __init__(self, host: ReactorHost) -> None:
        self._host = host
        self._phase = Phase.OPEN
        self._peer_ended = False
        self.on_gone: Callable[[], None] | None = None

    @property
    def _link(self) -> Connection:
        return self.receiver.link

    def take_over(self, stream: trio.SocketStream, trailing: bytes) -> None:
        """Serve the socket of a stream. The stream cannot be used afterwards.

        Args:
            stream: the stream, after the opening handshake.
            trailing: bytes that arrived with the opening handshake.
        """
        if self.is_gone:  # dropped while the response was being sent
            stream.socket.close()
            return
        descriptor = stream.socket.detach()
        try:
            self._link.feed(trailing)
            self._host.reactor.add(self._link, descriptor)
            self._host.enter(self)
        except BaseException:
            os.close(descriptor)
            self.drop()
            raise
        if self._phase is Phase.CLOSING and not self._link.has_output:  # all was sent with the response
            self.flushed()

    @property
    def is_gone(self) -> bool:
        """Whether the socket is closed."""
        return self._phase is Phase.GONE

    # called by the engine

    def attach(self, receiver: Receiver) -> None:
        """Pass packets to this receiver from now on, and move the socket to its connection."""
        if self._phase is not Phase.GONE and hasattr(self, "receiver"):
            self._host.reactor.move(self._link, receiver.link)
        self.receiver = receiver

    def wake(self) -> None:
        """Write soon, because the outbox has output."""
        if not self.is_gone:
            self._link.touch()

    def resume(self) -> None:
        """Continue reading."""
        if not self.is_gone:
            self._host.reactor.resume(self._link)

    def close(self) -> None:
        """Send queued packets and the close frame, then end."""
        self._close(self._host.flush_timeout)

    def abort(self, *, goodbye: bool) -> None:
        """End at once. The close frame is only sent if no unwritten output is before it."""
        if goodbye and not self.is_gone and self._link.is_writable:
            self._close(CLOSE_TIMEOUT)
        else:
            self.drop()

    def delivery(self, now: float) -> Delivery | None:
        """Return how many of the written bytes the client has received."""
        if self.is_gone:
            return None
        link = self._link
        return delivery_of(self._host.reactor.descriptor(link), link.written_bytes)

    def _close(self, timeout: float) -> None:
        if self._phase is not Phase.GONE:
            self._host.end_at(self, trio.current_time() + timeout)
        if self._phase is Phase.OPEN:
            self._phase = Phase.CLOSING
            self._link.watched = True
            self._host.reactor.resume(self._link)  # to see the peer's close frame
            self._link.touch()

    # called by the reactor

    def receive(self, packet: str | bytes | CloseFrame | Failure, now: float) -> None:
        """Handle a packet that is not a message of an open session."""
        if isinstance(packet, CloseFrame):
            self._peer_ended = True
        if self._phase is Phase.OPEN:
            self.receiver.receive(packet, now)
        elif self._phase is Phase.ENDING and self._peer_ended:
            self.drop()

    def flushed(self) -> None:
        """Go on after output was written: end a closing WebSocket, or notify the receiver."""
        if self._phase is Phase.CLOSING and not self._link.has_output:
            self._phase = Phase.ENDING
            self._host.reactor.shutdown(self._link)
            if self._peer_ended:
                self.drop()
            else:
                self._host.end_at(self, trio.current_time() + CLOSE_TIMEOUT)
        else:
            self.receiver.written(trio.current_time())

    def ended(self) -> None:
        """Handle the end of the peer's half of the connection."""
        if self._phase is Phase.CLOSING:
            self._peer_ended = True
            self._link.paused = True
        else:
            self._lost("the client ended the connection")

    def broken(self, error: int) -> None:
        """Handle an error of the socket.

        Args:
            error: the errno.
        """
        self._lost(f"the connection broke: {os.strerror(error)}")

    def failed(self, error: Exception) -> None:
        """Log an internal error that occurred for this connection, and drop the connection."""
        self._host.logger.critical("internal error", exc_info=error)
        self._lost("internal error")

    def _lost(self, description: str) -> None:
        self.drop(description)

    def drop(self, description: str = "the connection was dropped") -> None:
        """Close the socket, and then notify the receiver. Do nothing if the socket is closed.

        Args:
            description: the description of the disconnect reason for the receiver.
        """
        if self._phase is not Phase.GONE:
            self._phase = Phase.GONE
            self._host.reactor.remove(self._link)
            self._host.forget(self)
            receiver = self.receiver
            del self.receiver  # breaks a reference cycle
            if self.on_gone is not None:
                self.on_gone()
            receiver.lost(DisconnectReason.TRANSPORT_CLOSE, description)


if TYPE_CHECKING:
    _checked: type[ReactorTransport] = ReactorDriver


class ReactorHost:
    """The reactor of one server, and the tasks that run its turns.

    Args:
        flush_timeout: how long the last flush of a WebSocket may take, in seconds.
        logger: for errors.

    Raises:
        OSError: there is no descriptor left.
    """

    def __init__(self, flush_timeout: float, logger: logging.Logger) -> None:
        self.flush_timeout = flush_timeout
        self.logger = logger
        self.drivers: set[ReactorDriver] = set()
        self._work = Signal()
        #: whether the last turn left work, which the writing task continues
        self._turns_again = False
        flush_list = FlushList()
        flush_list.on_dirty = self._work.set
        self.reactor = Reactor(flush_list)
        self._rounds = Rounds(self.reactor)
        self._endings: dict[ReactorDriver, float] = {}
        self._next_ending = math.inf
        #: the largest number of WebSockets since memory was last given back
        self._most = 0
        self._has_shrunk = False
        self._earlier = Signal()
        #: called when the last WebSocket has ended
        self.on_idle: Callable[[], None] = lambda: None
        #: called with a ``KeyboardInterrupt`` or ``SystemExit`` that a handler raises in a call by the reactor
        self.on_interrupt: Callable[[BaseException], None] | None = None

    @classmethod
    def make(cls, flush_timeout: float, logger: logging.Logger) -> ReactorHost | None:
        """Create a reactor; return None if the platform has none."""
        return cls(flush_timeout, logger) if Reactor is not None else None

    def enter(self, driver: ReactorDriver) -> None:
        """Add a new WebSocket of the reactor."""
        self.drivers.add(driver)
        self._most = max(self._most, len(self.drivers))

    def forget(self, driver: ReactorDriver) -> None:
        """Remove a WebSocket that has ended."""
        self.drivers.discard(driver)
        self._endings.pop(driver, None)
        if not self.drivers:
            self.on_idle()
        if self._most >= MANY and 2 * len(self.drivers) < self._most:
            self._most = len(self.drivers)
            self._has_shrunk = True
            self._earlier.set()

    def end_at(self, driver: ReactorDriver, deadline: float) -> None:
        """Drop this WebSocket at this time."""
        self._endings[driver] = deadline
        if deadline < self._next_ending:
            self._next_ending = deadline
            self._earlier.set()

    async def run(self) -> None:
        """Run the turns of the reactor until cancelled. Every WebSocket is then dropped."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._wait_readable, name="reactor, reading")
                nursery.start_soon(self._wait_dirty, name="reactor, writing")
                nursery.start_soon(self._wait_endings, name="reactor, closing")
        finally:
            for driver in list(self.drivers):
                driver.drop()
            trio.lowlevel.notify_closing(self.reactor.epoll_fd)
            self.reactor.close()
            self._rounds.close()

    async def flushed(self) -> None:
        """Wait until the output of each connection that is dirty now was offered to the kernel; see ``Rounds.wait``."""
        await self._rounds.wait()

    async def read_once(self) -> None:
        """Read once from every WebSocket on which data has arrived by now."""
        await self._finish_pass()
        for _ in range(self.reactor.passes):
            self._turn()
            await self._finish_pass()

    async def _finish_pass(self) -> None:
        await trio.lowlevel.checkpoint()
        while self.reactor.in_pass:
            self._turn()
            await trio.lowlevel.checkpoint()

    @trio.lowlevel.enable_ki_protection
    async def _wait_readable(self) -> None:
        while True:
            await trio.lowlevel.wait_readable(self.reactor.epoll_fd)
            # If work is left, the writing task runs the next turn, which reads, too. Two turns in one pass of the
            # scheduler would delay other tasks.
            if not self._turns_again:
                self._turn()

    @trio.lowlevel.enable_ki_protection
    async def _wait_dirty(self) -> None:
        while True:
            await self._work.wait()
            self._turn()

    def _turn(self) -> None:
        try:
            self._turns_again = self.reactor.turn(trio.current_time())
        except (KeyboardInterrupt, SystemExit) as error:
            if self.on_interrupt is None:
                raise
            self._turns_again = True
            self.on_interrupt(error)
        if self._turns_again:
            self._work.set()
        self._rounds.turned()

    @trio.lowlevel.enable_ki_protection
    async def _wait_endings(self) -> None:
        while True:
            self._next_ending = min(self._endings.values(), default=math.inf)
            with trio.move_on_at(self._next_ending):
                await self._earlier.wait()
            if self._has_shrunk:  # by now the other objects of the ended connections are freed, too
                self._has_shrunk = False
                release_memory()
            now = trio.current_time()
            ending = [driver for driver, deadline in self._endings.items() if deadline <= now]
            while ending:  # pop: a loop variable would keep the last driver alive until the next one ends
                ending.pop().drop()
