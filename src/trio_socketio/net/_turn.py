"""How long a task goes on before other tasks get their turn."""

from __future__ import annotations

import time

__all__ = ["PACKETS_BETWEEN_CHECKPOINTS", "Turn"]

#: Packets handed over in a row: plain handlers run meanwhile.
PACKETS_BETWEEN_CHECKPOINTS = 32

#: The longest turn, in seconds, unless one step of it takes longer; a turn of the reactor is as long.
TURN_SECONDS = 0.001


class Turn:
    """One turn of a task, bounded by steps and by time. The time is the machine's, also under a virtual clock.

    Args:
        steps: how many steps a turn may have.
    """

    __slots__ = ("_end", "_left", "_steps")

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self.begin()

    def begin(self) -> None:
        """Begin a new turn."""
        self._left = self._steps
        self._end = time.perf_counter() + TURN_SECONDS

    def is_over(self) -> bool:
        """Count a step; returns whether other tasks are to get their turn."""
        self._left -= 1
        return self._left <= 0 or time.perf_counter() > self._end
