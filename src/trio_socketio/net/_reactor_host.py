"""Runs the reactor of one server: it serves thousands of WebSockets over plain sockets in three tasks."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Protocol

import trio

from trio_socketio._core import FlushList, Reactor, release_memory
from trio_socketio._signal import Signal
from trio_socketio.net._round import Rounds

__all__ = ["ReactorHost"]

#: If there were at least so many WebSockets, free memory is returned to the system when half of them have ended.
MANY = 1000


class ReactorWebSocket(Protocol):
    """The part of a reactor driver that ``ReactorHost`` uses."""

    def drop(self) -> None:
        """Close the socket, and call ``forget`` of the host."""


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
        self.drivers: set[ReactorWebSocket] = set()
        self._work = Signal()
        #: whether the last turn left work, which the writing task continues
        self._turns_again = False
        flush_list = FlushList()
        flush_list.on_dirty = self._work.set
        self.reactor = Reactor(flush_list)
        self._rounds = Rounds(self.reactor)
        self._endings: dict[ReactorWebSocket, float] = {}
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

    def enter(self, driver: ReactorWebSocket) -> None:
        """Add a new WebSocket of the reactor."""
        self.drivers.add(driver)
        self._most = max(self._most, len(self.drivers))

    def forget(self, driver: ReactorWebSocket) -> None:
        """Remove a WebSocket that has ended."""
        self.drivers.discard(driver)
        self._endings.pop(driver, None)
        if not self.drivers:
            self.on_idle()
        if self._most >= MANY and 2 * len(self.drivers) < self._most:
            self._most = len(self.drivers)
            self._has_shrunk = True
            self._earlier.set()

    def end_at(self, driver: ReactorWebSocket, deadline: float) -> None:
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
        for _ in range(self.reactor.ending):  # not until none is left: others may end all the time
            if self.reactor.ending:
                self._turn()
                await trio.lowlevel.checkpoint()

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
