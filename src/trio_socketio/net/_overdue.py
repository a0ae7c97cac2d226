"""Handles timers that may be overdue because the server itself was late.

The answer that such a timer waits for may be in the kernel already, on an open connection or on one that is not
accepted yet. So everything that has arrived is read first, and then the timers are handled.
"""

from __future__ import annotations

import select
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import trio

from trio_socketio._core import Connection, TimerEvent
from trio_socketio._signal import Signal

__all__ = ["Arrivals", "Overdue"]

#: Passes of Trio's scheduler that suffice for tasks to read what has arrived and to hand it over. Over TLS, and for a
#: request on a new connection, it takes four.
PASSES = 16

#: If accepting the waiting connections takes longer than so many seconds, their clients had to wait for the server.
MIN_LATE = 0.05


class ReadsOnce(Protocol):
    """A task that reads many connections."""

    async def read_once(self) -> None:
        """Read once from every connection on which data has arrived by now."""


class Arrivals:
    """Data and connections that have arrived at the server, but were not read or accepted yet.

    Args:
        reactors: the reactors whose connections are read.
        patience: how long to wait for connections to be accepted, in seconds.

    Attributes:
        listeners: the listeners of the server.
        accepted: set by the server whenever it has accepted a connection.
    """

    def __init__(self, reactors: Sequence[ReadsOnce], patience: float) -> None:
        self.listeners: list[trio.abc.Listener[trio.abc.Stream]] = []
        self.accepted = Signal()
        self._reactors = reactors
        self._patience = patience

    async def read(self) -> bool:
        """Wait until every open connection on which data has arrived was read once.

        Returns:
            False: no client had to wait for the server.
        """
        for reactor in self._reactors:
            await reactor.read_once()
        for _ in range(PASSES):
            await trio.lowlevel.checkpoint()
        return False

    async def accept_and_read(self) -> bool:
        """Wait until waiting connections were accepted, for at most ``patience``, and then do as ``read``.

        Accepting may pause while the process lacks descriptors.

        Returns:
            Whether the connections had to wait. Their clients then need more time, for example for a TLS handshake.
        """
        began = trio.current_time()
        with trio.move_on_after(self._patience):
            while self._connection_waits():
                await self.accepted.wait()
        await self.read()
        return trio.current_time() - began > MIN_LATE

    def _connection_waits(self) -> bool:
        """Return whether a listener has a connection that could be accepted."""
        descriptors = [
            descriptor for listener in self.listeners if (descriptor := _descriptor(listener)) >= 0
        ]
        if not descriptors or not hasattr(select, "poll"):
            return False
        poll = select.poll()
        for descriptor in descriptors:
            poll.register(descriptor, select.POLLIN)
        return any(event & select.POLLIN for _, event in poll.poll(0))


def _descriptor(listener: trio.abc.Listener[trio.abc.Stream]) -> int:
    while isinstance(listener, trio.SSLListener):
        listener = listener.transport_listener
    return listener.socket.fileno() if isinstance(listener, trio.SocketListener) else -1


class Overdue:
    """A queue of overdue timers, which are handled after ``catch_up``.

    Args:
        handle: handles a timer, given its connection, the kind of timer, the current time, and whether clients need
            more time.
        catch_up: reads what has arrived; returns whether clients need more time because they had to wait for the
            server.
    """

    def __init__(
        self,
        handle: Callable[[Connection, TimerEvent, float, bool], None],
        catch_up: Callable[[], Awaitable[bool]],
    ) -> None:
        self._handle = handle
        self._catch_up = catch_up
        self._waiting: list[tuple[Connection, TimerEvent]] = []
        self._work = Signal()

    def add(self, link: Connection, event: TimerEvent) -> None:
        """Handle this timer later."""
        self._waiting.append((link, event))
        self._work.set()

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Handle timers until cancelled."""
        while True:
            await self._work.wait()
            waiting, self._waiting = self._waiting, []
            if not waiting:
                continue
            need_time = await self._catch_up()
            now = trio.current_time()
            while waiting:  # pop: a loop variable would keep the last connection alive until the next timer
                self._handle(*waiting.pop(), now, need_time)
