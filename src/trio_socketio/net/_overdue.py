"""Timers that may be due because the server itself was late: first all that has come is read, then they are dealt with.

An answer that is due may wait in the kernel, on a connection that is open or on one that was not accepted yet.
"""

from __future__ import annotations

import select
from collections.abc import Awaitable, Callable

import trio

from trio_socketio._core import Connection, TimerEvent
from trio_socketio._signal import Signal
from trio_socketio.engineio import Engine
from trio_socketio.net._reactor_driver import ReactorHost

__all__ = ["Arrivals", "Overdue"]

#: Passes of the scheduler in which a task reads what has come and hands it over. For TLS, and for a request on a new
#: connection, it takes four.
PASSES = 16

#: When waiting connections were accepted later than by so many seconds, their clients had to wait for the server.
MIN_LATE = 0.05


class Arrivals:
    """What clients have sent and the server has not seen yet.

    Args:
        reactor: the one whose connections are read; None: there is none.
        patience: how long to wait for connections to be accepted, in seconds.

    Attributes:
        listeners: those that connections are accepted from.
        accepted: to be set when one was accepted.
    """

    def __init__(self, reactor: ReactorHost | None, patience: float) -> None:
        self.listeners: list[trio.abc.Listener[trio.abc.Stream]] = []
        self.accepted = Signal()
        self._reactor = reactor
        self._patience = patience

    async def read(self) -> bool:
        """Wait until every open connection was read once, as far as something had come; returns False."""
        if self._reactor is not None:
            await self._reactor.read_once()
        for _ in range(PASSES):
            await trio.lowlevel.checkpoint()
        return False

    async def accept_and_read(self) -> bool:
        """The same for connections that wait to be accepted; accepting may pause for want of descriptors.

        Returns:
            Whether they had to wait, so that their clients, who may still have a TLS handshake before them, need time.
        """
        began = trio.current_time()
        with trio.move_on_after(self._patience):
            while self._connection_waits():
                await self.accepted.wait()
        await self.read()
        return trio.current_time() - began > MIN_LATE

    def _connection_waits(self) -> bool:
        """Whether a listener has a connection that could be accepted."""
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
    """Timers that wait until something has been read.

    Args:
        engine: deals with them.
        catch_up: waits for that, and returns whether clients need more time, because they had to wait for the server.
    """

    def __init__(self, engine: Engine, catch_up: Callable[[], Awaitable[bool]]) -> None:
        self._engine = engine
        self._catch_up = catch_up
        self._waiting: list[tuple[Connection, TimerEvent]] = []
        self._work = Signal()

    def add(self, link: Connection, event: TimerEvent) -> None:
        """Deal with this timer later."""
        self._waiting.append((link, event))
        self._work.set()

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Deal with timers until cancelled."""
        while True:
            await self._work.wait()
            waiting, self._waiting = self._waiting, []
            if not waiting:
                continue
            need_time = await self._catch_up()
            now = trio.current_time()
            while waiting:  # without a name for the last, which would be kept until the next comes
                self._engine.deal_with(*waiting.pop(), now, put_off=need_time)
