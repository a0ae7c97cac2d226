"""What a session remembers while its client is not read."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Held"]

#: A look that comes late by this part of their interval, and so many seconds at least, shows that the server was held:
#: polls may wait in the kernel.
LATE, MIN_LATE = 1 / 8, 0.05


class Held:
    """Since when a session is paused, and what is to be looked at when.

    A client on WebSocket that vanishes meanwhile is found by the kernel. One that polls is found by the poll that does
    not come: a waiting poll is answered with a ping (in revision 3, a pong) by the next look, so a client that is there
    polls again.

    Args:
        now: when the pause begins.
        patience: how long a pause may last before it is reported, and how long a client may stay without a poll.
        every: how often to look, in seconds.

    Attributes:
        look_at: when to call ``look`` next.
    """

    __slots__ = ("_every", "_notify", "_patience", "_polled", "_report_at", "look_at")

    def __init__(self, now: float, patience: float, every: float) -> None:
        self._patience = patience
        self._every = every
        self._polled = now
        self._report_at = now + patience
        self.look_at = now + min(every, patience)
        self._notify: Callable[[], None] | None = None

    def call_at_end(self, notify: Callable[[], None]) -> None:
        """Call this function once when the pause ends."""
        self._notify = notify

    def end(self) -> None:
        """The client is read again, or its session has ended."""
        if self._notify is not None:
            self._notify()

    def is_reported(self, now: float) -> bool:
        """Whether the pause has become too long; True once."""
        is_due = self._report_at <= now
        if is_due:
            self._report_at = float("inf")
        return is_due

    def look(self, now: float, *, polled: bool) -> bool:
        """Look at the time.

        Args:
            now: the current time.
            polled: the client cannot poll, or has done so since the last look, or a poll waits.

        Returns:
            Whether the client has not polled for too long.
        """
        late = now - self.look_at
        if late > max(self._every * LATE, MIN_LATE):
            self._polled += late
            self.look_at = now + self._every
            return False
        if polled:
            self._polled = now
        gone_at = self._polled + self._patience
        self.look_at = min(now + self._every, gone_at, self._report_at)
        return gone_at <= now
