"""A pause, during which a session does not read from its client."""

from __future__ import annotations

import math
from collections.abc import Callable

from trio_socketio.engineio._liveness import is_late
from trio_socketio.engineio._session_base import SessionBase

__all__ = ["Pause"]


class Pause:
    """One pause of a session: its timers, and a check that the client is still there.

    Pings are still sent; the deadline for their answers is suspended. If a client on WebSocket vanishes during a pause,
    the kernel reports it. A client on polling is gone if it does not poll: each waiting poll is answered with a ping
    (in revision 3, with a pong after each look), so a live client polls again.

    Args:
        session: the session. It must not be paused.
        now: the current time, in seconds.

    Attributes:
        look_at: when to call ``look`` next.
    """

    __slots__ = ("_every", "_notify", "_patience", "_polled", "_report_at", "look_at")

    def __init__(self, session: SessionBase, now: float) -> None:
        session.link.paused = True
        session.link.suspend_heartbeat()
        polls = session.transport.polls
        if polls is not None:
            polls.was_polled()  # earlier polls do not count
        options = session.context.options
        # A pause may last so long before it is reported, and a client may go so long without a poll.
        self._patience = options.ping_interval + options.ping_timeout
        self._every = options.ping_timeout / (2 if session.revision == 3 else 1)
        self._polled = now
        self._report_at = now + self._patience
        self.look_at = now + min(self._every, self._patience)
        self._notify: Callable[[], None] | None = None

    def call_at_end(self, notify: Callable[[], None]) -> None:
        """Register a function that is called once when the pause ends."""
        self._notify = notify

    def end(self) -> None:
        """End the pause: the client is read again, or its session has ended."""
        if self._notify is not None:
            self._notify()

    def look(self, session: SessionBase, now: float) -> str | None:
        """Report a long pause once, and check that the client still polls.

        Returns:
            The description of the ping timeout if the client has not polled for too long, else None.
        """
        if self._report_at <= now:
            self._report_at = math.inf
            session.observer.held(self._patience)
        polls = session.transport.polls
        if self._is_gone(now, polled=polls is None or polls.was_polled()):
            return f"no poll for {self._patience:g} s"
        if session.revision == 3:
            # The client's ping may wait unread, and the client closes if no pong comes within its timeout.
            session.link.send_protected(session.context.pong, 1)
        return None

    def _is_gone(self, now: float, *, polled: bool) -> bool:
        """Return whether the client has not polled for too long, and decide when to look next.

        Args:
            now: the current time.
            polled: True if a poll waits, if one came since the last look, or if the client is not on polling.
        """
        late = now - self.look_at
        if is_late(late, self._every):
            self._polled += late
            self.look_at = now + self._every
            return False
        if polled:
            self._polled = now
        gone_at = self._polled + self._patience
        self.look_at = min(now + self._every, gone_at, self._report_at)
        return gone_at <= now
