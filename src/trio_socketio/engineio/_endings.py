"""The queue of reports to the layer above: of sessions that have ended, and of changes of rooms."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from trio_socketio.engineio._seam import NULL_OBSERVER, SessionObserver
from trio_socketio.errors import DisconnectReason

__all__ = ["Endings"]

#: A function and its arguments.
Report = tuple[Callable[..., object], tuple[Any, ...]]


class Endings:
    """A queue that reports to the layer above which sessions have ended. That layer may add reports of its own.

    Reports are never nested: if the application ends another session during a report, the second report waits until
    the first has returned. The queue stays short, because each session is reported once at most, and the queue is
    emptied before other tasks run.

    Args:
        logger: the logger for exceptions that a report raises.
    """

    __slots__ = ("_is_delivering", "_logger", "_waiting")

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._waiting: deque[Report] = deque()
        self._is_delivering = False

    def report(self, observer: SessionObserver, reason: DisconnectReason, description: str) -> None:
        """Report to an observer that its session has ended, after all reports that are queued already."""
        if observer is not NULL_OBSERVER:
            self._waiting.append((observer.closed, (reason, description)))
            self.deliver()

    def tell(self, reports: Iterable[Report]) -> None:
        """Make these calls, after all reports that are queued already."""
        self._waiting.extend(reports)
        self.deliver()

    def hold(self) -> bool:
        """Hold reports back until ``release``. Pass the returned value to ``release``."""
        was_delivering, self._is_delivering = self._is_delivering, True
        return was_delivering

    def release(self, was_delivering: bool) -> None:
        """Deliver the queued reports, unless a report is being delivered or an outer ``hold`` is in force."""
        self._is_delivering = was_delivering
        self.deliver()

    def deliver(self) -> None:
        """Deliver the queued reports.

        An exception that stops the program, such as ``KeyboardInterrupt``, is passed on. The remaining reports then
        wait for the next call.
        """
        if self._is_delivering:
            return
        self._is_delivering = True
        try:
            while self._waiting:
                function, args = self._waiting.popleft()
                try:
                    function(*args)
                except Exception:
                    self._logger.critical("internal error in a report to the layer above", exc_info=True)
        finally:
            self._is_delivering = False
