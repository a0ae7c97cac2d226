"""Reports of the ends of sessions, delivered one after the other."""

from __future__ import annotations

import logging
from collections import deque

from trio_socketio.engineio._seam import NULL_OBSERVER, SessionObserver
from trio_socketio.errors import DisconnectReason

__all__ = ["Endings"]


class Endings:
    """Tells the layer above which sessions have ended, from a queue.

    The application may end other sessions while it hears of one. Their reports wait for that one, so reports are never
    nested. There is one report for each session at most, which bounds the queue.

    Args:
        logger: for what goes wrong above.
    """

    __slots__ = ("_is_delivering", "_logger", "_waiting")

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._waiting: deque[tuple[SessionObserver, DisconnectReason, str]] = deque()
        self._is_delivering = False

    def report(self, observer: SessionObserver, reason: DisconnectReason, description: str) -> None:
        """Tell an observer that its session has ended: at once, or after the reports that come before."""
        if observer is not NULL_OBSERVER:
            self._waiting.append((observer, reason, description))
            self.deliver()

    def deliver(self) -> None:
        """Deliver what waits. What stops the program passes, and leaves the rest for the next call."""
        if self._is_delivering:
            return
        self._is_delivering = True
        try:
            while self._waiting:
                observer, reason, description = self._waiting.popleft()
                try:
                    observer.closed(reason, description)
                except Exception:
                    self._logger.critical("internal error in the end of a session", exc_info=True)
        finally:
            self._is_delivering = False
