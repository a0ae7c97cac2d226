"""Limits log messages that clients can cause repeatedly."""

from __future__ import annotations

__all__ = ["LogLimit"]


class LogLimit:
    """Allows each key to be logged once in an interval, and a limited number of keys.

    Args:
        interval: the interval in seconds.
        most: how many keys are logged in an interval. This bounds the memory, too.
    """

    def __init__(self, interval: float, most: int) -> None:
        self._interval = interval
        self._most = most
        self._logged: dict[str, float] = {}  # when each key was logged, the earliest first

    def __len__(self) -> int:
        return len(self._logged)

    def allows(self, key: str, now: float) -> bool:
        """Return whether to log this key now. If so, it counts as logged."""
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
