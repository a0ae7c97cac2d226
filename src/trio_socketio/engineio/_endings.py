"""Reports to the layer above, delivered one after the other: of the ends of sessions, and of rooms."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from trio_socketio.engineio._seam import NULL_OBSERVER, SessionObserver
from trio_socketio.errors import DisconnectReason

__all__ = ["Endings"]

#: A function, and its arguments.
Report = tuple[Callable[..., object], tuple[Any, ...]]


class Endings:
    """Tells the layer above which sessions have ended, from a queue, and other events that it has itself put there.

    The application may end other sessions while a report is delivered. Their reports wait for that one, so reports are
    never nested. The queue is bounded: a session has one report at most, and all that waits is delivered before other
    tasks run.

    Args:
        logger: for what goes wrong above.
    """

    __slots__ = ("_is_delivering", "_logger", "_waiting")

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._waiting: deque[Report] = deque()
        self._is_delivering = False

    def report(self, observer: SessionObserver, reason: DisconnectReason, description: str) -> None:
        """Tell an observer that its session has ended: at once, or after the reports that come before."""
        if observer is not NULL_OBSERVER:
            self._waiting.append((observer.closed, (reason, description)))
            self.deliver()

    def tell(self, reports: Iterable[Report]) -> None:
        """Make these calls: at once, or after the reports that come before."""
        self._waiting.extend(reports)
        self.deliver()

    def hold(self) -> bool:
        """Let reports wait until ``release``, which takes what this returns."""
        was_delivering, self._is_delivering = self._is_delivering, True
        return was_delivering

    def release(self, was_delivering: bool) -> None:
        """Deliver what waits, unless a report is being delivered, or an outer ``hold`` lasts."""
        self._is_delivering = was_delivering
        self.deliver()

    def deliver(self) -> None:
        """Deliver what waits. What stops the program passes, and leaves the rest for the next call."""
        if self._is_delivering:
            return
        self._is_delivering = True
        try:
            while self._waiting:
                function, args = self._waiting.popleft()
                try:
                    function(*args)
                except Exception:
                    self._logger.critical("internal error in the report of an ending", exc_info=True)
        finally:
            self._is_delivering = False
