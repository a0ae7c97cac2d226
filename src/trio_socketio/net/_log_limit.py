"""Keeps the log from being flooded by what clients repeat."""

from __future__ import annotations

__all__ = ["LogLimit"]


class LogLimit:
    """Says whether something is to be logged: each key once in an interval, and so many keys at most.

    Args:
        interval: in seconds.
        most: how many keys are logged in an interval. It bounds the memory, too.
    """

    def __init__(self, interval: float, most: int) -> None:
        self._interval = interval
        self._most = most
        self._logged: dict[str, float] = {}  # when each key was logged, the earliest first

    def __len__(self) -> int:
        return len(self._logged)

    def allows(self, key: str, now: float) -> bool:
        """Whether to log this key now; then it counts as logged."""
        logged = self._logged
        while logged:
            earliest = next(iter(logged))
            if now < logged[earliest] + self._interval:
                break
            del logged[earliest]
        if key in logged or len(logged) >= self._most:
            return False
        logged[key] = now
        return True
