"""The time between two attempts to connect."""

from __future__ import annotations

import random

__all__ = ["Backoff"]


class Backoff:
    """Delays that double from ``shortest`` to ``longest``, and begin again after ``reset``.

    Args:
        shortest: the first delay, in seconds.
        longest: the longest delay, in seconds.
    """

    __slots__ = ("_delay", "_longest", "_shortest")

    def __init__(self, shortest: float = 0.05, longest: float = 5.0) -> None:
        self._shortest, self._longest = shortest, longest
        self._delay = shortest

    def reset(self) -> None:
        """Begin with the shortest delay again, because the link works."""
        self._delay = self._shortest

    def next(self) -> float:
        """Return the next delay in seconds: between half of the current one and all of it, at random.

        The servers of a cluster thus do not come back all at the same moment.
        """
        delay = self._delay
        self._delay = min(2 * delay, self._longest)
        return delay * random.uniform(0.5, 1.0)
