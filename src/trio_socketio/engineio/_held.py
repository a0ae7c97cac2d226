"""The state of a pause, during which a session does not read from its client."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Held"]

#: A ``look`` that is called too late shows that the server was blocked, and polls may wait unread in the kernel. "Too
#: late" is more than this fraction of the interval, and more than this number of seconds.
LATE, MIN_LATE = 1 / 8, 0.05


class Held:
    """One pause of a session: its timers, and a check that the client is still there.

    If a client on WebSocket vanishes during a pause, the kernel reports it. A client on polling is gone if it does not
    poll: each waiting poll is answered with a ping (in revision 3, with a pong after each look), so a live client polls
    again.

    Args:
        now: when the pause begins.
        patience: how long a pause may last before it is reported, and how long a client may go without a poll, in
            seconds.
        every: the interval between looks, in seconds.

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
        """Register a function that is called once when the pause ends."""
        self._notify = notify

    def end(self) -> None:
        """End the pause: the client is read again, or its session has ended."""
        if self._notify is not None:
            self._notify()

    def is_reported(self, now: float) -> bool:
        """Return True once, when the pause has lasted too long."""
        is_due = self._report_at <= now
        if is_due:
            self._report_at = float("inf")
        return is_due

    def look(self, now: float, *, polled: bool) -> bool:
        """Check how long ago the client has polled.

        Args:
            now: the current time.
            polled: True if a poll waits, if one came since the last look, or if the client is not on polling.

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
