"""Timeouts whose deadlines move often and seldom expire."""

from __future__ import annotations

import itertools
import math
from collections.abc import Awaitable, Callable
from typing import Protocol

import trio

from trio_socketio._signal import Signal

__all__ = ["Cancellable", "TimeoutQueue", "Timeouts"]

#: Passes of Trio's scheduler that suffice for a task to read what has arrived.
PASSES = 4


class Cancellable(Protocol):
    """What a timeout cancels: a cancel scope, or a connection without a task."""

    def cancel(self) -> None:
        """End what takes too long."""


class TimeoutQueue:
    """Cancels each scope that has been in the queue for a fixed time. The scope that was added first is due first."""

    def __init__(self, timeouts: Timeouts, seconds: float) -> None:
        self._timeouts = timeouts
        self._seconds = seconds
        self._deadlines: dict[Cancellable, tuple[float, Callable[[], bool] | None]] = {}

    @property
    def next_deadline(self) -> float:
        """The time when the first scope is due."""
        return next(iter(self._deadlines.values()), (math.inf, None))[0]

    def add(
        self,
        scope: Cancellable,
        goes_on: Callable[[], bool] | None = None,
        now: float | None = None,
    ) -> None:
        """Cancel this scope after the time of the queue, unless it is discarded before.

        Args:
            scope: the scope to cancel.
            goes_on: called when the time is over; if it returns True, the time begins anew.
            now: the time, if the caller has it; asking Trio costs three calls.
        """
        deadline = (trio.current_time() if now is None else now) + self._seconds
        self._deadlines[scope] = deadline, goes_on
        if deadline < self._timeouts.next_expiry:
            self._timeouts.expire_at(deadline)

    def discard(self, scope: Cancellable) -> None:
        """Remove this scope; do nothing if it is not in the queue."""
        self._deadlines.pop(scope, None)

    def expire(self, now: float) -> None:
        """Cancel the scopes that are due."""
        due = itertools.takewhile(lambda item: item[1][0] <= now, self._deadlines.items())
        for scope, (_, goes_on) in list(due):
            del self._deadlines[scope]
            if goes_on is not None and goes_on():
                self.add(scope, goes_on)
            else:
                scope.cancel()


class Timeouts:
    """A set of timeout queues, and the task that waits for all of them.

    The task sleeps until the earliest deadline at the time it began to sleep, and only then looks up the current
    deadlines. So it costs 1 µs to move a deadline; to move the deadline of a cancel scope costs 4.

    Attributes:
        next_expiry: when the task will wake.
        read_once: reads what has arrived at connections without a task, before scopes are cancelled.
    """

    def __init__(self) -> None:
        self._queues: list[TimeoutQueue] = []
        self.next_expiry = math.inf
        self.read_once: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint
        self._earlier = Signal()

    def queue(self, seconds: float) -> TimeoutQueue:
        """Create a queue that cancels scopes after so many seconds."""
        self._queues.append(TimeoutQueue(self, seconds))
        return self._queues[-1]

    def expire_at(self, deadline: float) -> None:
        """Wake the task at this time, which is before ``next_expiry``. Called by the queues."""
        self.next_expiry = deadline
        self._earlier.set()

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Cancel scopes as they become due, until cancelled."""
        while True:
            with trio.move_on_at(self.next_expiry) as sleep:
                await self._earlier.wait()
            if sleep.cancelled_caught:
                await self.read_once()  # if the server is late, first read what arrived in time
                for _ in range(PASSES):
                    await trio.lowlevel.checkpoint()
                now = trio.current_time()
                for queue in self._queues:
                    queue.expire(now)
                self.next_expiry = min(queue.next_deadline for queue in self._queues)
