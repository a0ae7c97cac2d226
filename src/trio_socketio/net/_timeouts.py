"""Deadlines that are moved often and seldom come."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import trio

from trio_socketio._signal import Signal

__all__ = ["TimeoutQueue", "Timeouts"]

#: Passes of the scheduler in which a task reads what has come.
PASSES = 4


class TimeoutQueue:
    """Scopes to be cancelled when they have been in it for so long; the first that came is the first to be due."""

    def __init__(self, timeouts: Timeouts, seconds: float) -> None:
        self._timeouts = timeouts
        self._seconds = seconds
        self._deadlines: dict[trio.CancelScope, tuple[float, Callable[[], bool] | None]] = {}

    @property
    def next_deadline(self) -> float:
        """When the first is due."""
        return next(iter(self._deadlines.values()), (math.inf, None))[0]

    def add(self, scope: trio.CancelScope, goes_on: Callable[[], bool] | None = None) -> None:
        """Cancel this after the queue's time, unless it is discarded before.

        Args:
            scope: what to cancel.
            goes_on: asked when the time is over; if true, the time begins anew.
        """
        deadline = trio.current_time() + self._seconds
        self._deadlines[scope] = deadline, goes_on
        self._timeouts.expect(deadline)

    def discard(self, scope: trio.CancelScope) -> None:
        """Do not cancel this."""
        self._deadlines.pop(scope, None)

    def expire(self, now: float) -> None:
        """Cancel those that are due."""
        due = itertools.takewhile(lambda item: item[1][0] <= now, self._deadlines.items())
        for scope, (_, goes_on) in list(due):
            del self._deadlines[scope]
            if goes_on is not None and goes_on():
                self.add(scope, goes_on)
            else:
                scope.cancel()


class Timeouts:
    """Some queues, and the task that waits for all of them.

    It sleeps until what was the first deadline when it fell asleep, and then looks what is: so to move one costs 1 µs,
    and 4 where it is the deadline of a scope.
    """

    def __init__(self) -> None:
        self._queues: list[TimeoutQueue] = []
        self._next = math.inf
        self._earlier = Signal()

    def queue(self, seconds: float) -> TimeoutQueue:
        """A queue for scopes that are to be cancelled after so long."""
        self._queues.append(TimeoutQueue(self, seconds))
        return self._queues[-1]

    def expect(self, deadline: float) -> None:
        """Something is due then."""
        if deadline < self._next:
            self._next = deadline
            self._earlier.set()

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Cancel what is due, until cancelled."""
        while True:
            with trio.move_on_at(self._next) as sleep:
                await self._earlier.wait()
            if sleep.cancelled_caught:
                for _ in range(PASSES):  # if the server is late, what would have been in time is read first
                    await trio.lowlevel.checkpoint()
                now = trio.current_time()
                for queue in self._queues:
                    queue.expire(now)
                self._next = min(queue.next_deadline for queue in self._queues)
