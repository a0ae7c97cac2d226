"""The progress of clients whose answers to pings are late, and the decision to wait longer for them."""

from __future__ import annotations

from typing import Protocol

from trio_socketio._core import Connection
from trio_socketio.engineio._liveness import LITTLE, Delivery, Look, first_look, look
from trio_socketio.engineio._seam import Transport
from trio_socketio.errors import DisconnectReason

__all__ = ["OverdueAnswers", "PingedSession"]


class PingedSession(Protocol):
    """The part of a session that this module uses."""

    sid: str
    link: Connection
    revision: int

    @property
    def transport(self) -> Transport:
        """The transport that serves the session now."""
        ...

    def fail(self, reason: DisconnectReason, description: str) -> None:
        """End the session at once."""


class OverdueAnswers:
    """The last ``Look`` at each client whose answer to a ping is late or queued behind other messages.

    All sessions of an engine share one object.

    Args:
        ping_interval: how long a session waits before each ping, in seconds.
        ping_timeout: how long an answer may take, in seconds.
    """

    __slots__ = ("_looks", "_ping_interval", "_ping_timeout")

    def __init__(self, ping_interval: float, ping_timeout: float) -> None:
        self._ping_interval = ping_interval
        self._ping_timeout = ping_timeout
        self._looks: dict[str, Look] = {}

    def ping_is_behind(self, session: PingedSession, now: float) -> None:
        """Note the progress of the client: a ping was queued behind other messages, and its answer may be late."""
        outstanding = _outstanding(session, now)
        if outstanding is not None:
            self._looks[session.sid] = first_look(*outstanding)
            session.link.has_waited = True

    def wait_or_end(self, session: PingedSession, now: float) -> None:
        """Wait longer for an overdue answer if the client still receives what is sent, else end the session."""
        if self._wait_longer(session, now):
            return
        if session.revision == 3:
            description = f"no ping for {self._ping_interval + self._ping_timeout:g} s"
        else:
            description = f"no answer to a ping for {self._ping_timeout:g} s"
        session.fail(DisconnectReason.PING_TIMEOUT, description)

    def _wait_longer(self, session: PingedSession, now: float) -> bool:
        link = session.link
        last = self._looks.pop(session.sid, None) if link.has_waited else None
        outstanding = _outstanding(session, now)
        if outstanding is None:
            return False
        delivery, queued = outstanding
        is_behind = link.ping_is_queued or link.is_behind
        if session.revision == 3:
            is_behind = delivery.outstanding + queued > LITTLE
        verdict = look(last, delivery, queued, self._ping_timeout, is_behind=is_behind)
        if verdict is None:
            return False
        seconds, self._looks[session.sid] = verdict
        link.wait_on(now, now + seconds)
        return True

    def forget(self, sid: str) -> None:
        """Forget the progress of a client, because its session has ended."""
        self._looks.pop(sid, None)


def _outstanding(session: PingedSession, now: float) -> tuple[Delivery, int] | None:
    """Return how far the client has received what was written, and how many bytes are still to be written."""
    delivery, link = session.transport.delivery(now), session.link
    if delivery is None:
        return None
    if session.transport.polls is not None:  # queued messages wait for a poll, not for the network
        return delivery, link.inflight_bytes
    return delivery, link.inflight_bytes + link.queued_bytes
