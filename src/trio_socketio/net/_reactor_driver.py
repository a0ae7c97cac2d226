"""The reactor driver: WebSockets over plain sockets, thousands of them in two tasks.

Reading, parsing and writing happen in C (``csrc/reactor.h``); here is what is left to decide: when a WebSocket that
closes has ended.
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

#: How long the peer may take to answer our close frame, or to take a last one (RFC 6455 section 7.1.1).
CLOSE_TIMEOUT = 2.0

#: When at least so many WebSockets have become half as many, free memory is given back to the system.
MANY = 1000


class Phase(Enum):
    """Where a WebSocket stands."""

    OPEN = auto()
    CLOSING = auto()  #: what is queued, and the close frame, are being written
    ENDING = auto()  #: they are; the peer's close frame is awaited: no reset shall destroy what is under way
    GONE = auto()


class ReactorDriver:
    """The transport of a session, or of an upgrade candidate, in a reactor.

    Attributes:
        receiver: who gets the packets.
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
        """Serve the socket of a stream, which is not usable any more.

        Args:
            stream: after the opening handshake.
            trailing: bytes that came with it.
        """
        if self.is_gone:  # while the response was sent
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
        if self._phase is Phase.CLOSING and not self._link.has_output:  # it went with the response
            self.flushed()

    @property
    def is_gone(self) -> bool:
        """Whether the socket is closed."""
        return self._phase is Phase.GONE

    # the seam, from above

    def attach(self, receiver: Receiver) -> None:
        """Feed this one from now on; the socket goes with it."""
        if self._phase is not Phase.GONE and hasattr(self, "receiver"):
            self._host.reactor.move(self._link, receiver.link)
        self.receiver = receiver

    def wake(self) -> None:
        """There is output."""
        if not self.is_gone:
            self._link.touch()

    def resume(self) -> None:
        """Reading may go on."""
        if not self.is_gone:
            self._host.reactor.resume(self._link)

    def close(self) -> None:
        """Send what is queued, then the close frame, then end."""
        self._close(self._host.flush_timeout)

    def abort(self, *, goodbye: bool) -> None:
        """End at once; the close frame is only sent if nothing is stuck before it."""
        if goodbye and not self.is_gone and self._link.is_writable:
            self._close(CLOSE_TIMEOUT)
        else:
            self.drop()

    def delivery(self, now: float) -> Delivery | None:
        """How far the client has received what was written."""
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

    # from the reactor

    def receive(self, packet: str | bytes | CloseFrame | Failure, now: float) -> None:
        """A packet that is not a message of an open session."""
        if isinstance(packet, CloseFrame):
            self._peer_ended = True
        if self._phase is Phase.OPEN:
            self.receiver.receive(packet, now)
        elif self._phase is Phase.ENDING and self._peer_ended:
            self.drop()

    def flushed(self) -> None:
        """Something was written."""
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
        """The peer sends no more."""
        if self._phase is Phase.CLOSING:
            self._peer_ended = True
            self._link.paused = True
        else:
            self._lost("the client ended the connection")

    def broken(self, error: int) -> None:
        """The connection broke."""
        self._lost(f"the connection broke: {os.strerror(error)}")

    def failed(self, error: Exception) -> None:
        """A mistake of ours, in what this connection has brought about."""
        self._host.logger.critical("internal error", exc_info=error)
        self._lost("internal error")

    def _lost(self, description: str) -> None:
        self.drop(description)

    def drop(self, description: str = "the connection was dropped") -> None:
        """Close the socket; nothing happens if it is closed.

        Args:
            description: what the receiver is told, once the socket is closed.
        """
        if self._phase is not Phase.GONE:
            self._phase = Phase.GONE
            self._host.reactor.remove(self._link)
            self._host.forget(self)
            receiver = self.receiver
            del self.receiver  # which refers to this one
            if self.on_gone is not None:
                self.on_gone()
            receiver.lost(DisconnectReason.TRANSPORT_CLOSE, description)


if TYPE_CHECKING:
    _checked: type[ReactorTransport] = ReactorDriver


class ReactorHost:
    """The reactor of one server, and the tasks that turn it.

    Args:
        flush_timeout: how long the last flush of a WebSocket may take, in seconds.
        logger: for what goes wrong.

    Raises:
        OSError: there is no descriptor left.
    """

    def __init__(self, flush_timeout: float, logger: logging.Logger) -> None:
        self.flush_timeout = flush_timeout
        self.logger = logger
        self.drivers: set[ReactorDriver] = set()
        self._work = Signal()
        #: whether a turn has left something to do, and the task that writes goes on with it
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
        #: called with what stops the program, when a handler that the reactor has called raises it
        self.on_interrupt: Callable[[BaseException], None] | None = None

    @classmethod
    def make(cls, flush_timeout: float, logger: logging.Logger) -> ReactorHost | None:
        """A reactor where the platform has one."""
        return cls(flush_timeout, logger) if Reactor is not None else None

    def enter(self, driver: ReactorDriver) -> None:
        """The reactor has a new WebSocket."""
        self.drivers.add(driver)
        self._most = max(self._most, len(self.drivers))

    def forget(self, driver: ReactorDriver) -> None:
        """A WebSocket has ended."""
        self.drivers.discard(driver)
        self._endings.pop(driver, None)
        if not self.drivers:
            self.on_idle()
        if self._most >= MANY and 2 * len(self.drivers) < self._most:
            self._most = len(self.drivers)
            self._has_shrunk = True
            self._earlier.set()

    def end_at(self, driver: ReactorDriver, deadline: float) -> None:
        """Drop it at this time."""
        self._endings[driver] = deadline
        if deadline < self._next_ending:
            self._next_ending = deadline
            self._earlier.set()

    async def run(self) -> None:
        """Turn the reactor until cancelled; then every WebSocket is dropped."""
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
        """Wait until each connection that is dirty now was offered to the kernel once; see ``Rounds.wait``."""
        await self._rounds.wait()

    async def read_once(self) -> None:
        """Read once from every WebSocket that has sent something by now."""
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
            if (
                not self._turns_again
            ):  # which reads, too; two in one pass of the scheduler would hold up the others
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
            if self._has_shrunk:  # what else belonged to the connections is gone by now, too
                self._has_shrunk = False
                release_memory()
            now = trio.current_time()
            ending = [driver for driver, deadline in self._endings.items() if deadline <= now]
            while ending:  # without a name for the last, which would be kept until the next ends
                ending.pop().drop()
