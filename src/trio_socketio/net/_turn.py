"""Limits how long a task runs before it lets other tasks run."""

from __future__ import annotations

import time

__all__ = ["PACKETS_BETWEEN_CHECKPOINTS", "Turn"]

#: The most packets to hand over in a row. Plain (not async) handlers run meanwhile.
PACKETS_BETWEEN_CHECKPOINTS = 32

#: The longest turn, in seconds, unless a single step takes longer. A turn of the reactor has the same limit.
TURN_SECONDS = 0.001


class Turn:
    """One turn of a task, limited by steps and by time. The time is real time, even if Trio runs on a virtual clock.

    Args:
        steps: how many steps a turn may have.
        seconds: how long it may take, unless a single step takes longer.
    """

    __slots__ = ("_end", "_left", "_seconds", "_steps")

    def __init__(self, steps: int, seconds: float = TURN_SECONDS) -> None:
        self._steps = steps
        self._seconds = seconds
        self.begin()

    def begin(self) -> None:
        """Begin a new turn."""
        self._left = self._steps
        self._end = time.perf_counter() + self._seconds

    def is_over(self) -> bool:
        """Count a step, and return whether other tasks should run."""
        self._left -= 1
        return self._left <= 0 or time.perf_counter() > self._end
