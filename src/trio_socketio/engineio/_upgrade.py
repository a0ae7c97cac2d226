"""The upgrade of a session from polling to WebSocket.

Source: Engine.IO protocol revision 4, "Upgrade".
"""

from __future__ import annotations

import math
from enum import Enum, auto
from typing import Protocol

from trio_socketio._core import CloseFrame, Connection, Failure, TimerEvent, track, untrack
from trio_socketio.engineio._packet import Packet, PacketType, parse_packet
from trio_socketio.engineio._seam import Polls, Receiver, Transport
from trio_socketio.engineio._session import Session
from trio_socketio.engineio._states import State
from trio_socketio.errors import DisconnectReason

__all__ = ["PROBE_TRANSITIONS", "Candidate", "Probe", "RejectedWebSocket", "WebSocketTransport"]


#: The interval at which a waiting poll is released after the probe, in seconds. Node uses the same.
NOOP_INTERVAL = 0.1


class WebSocketTransport(Transport, Protocol):
    """A driver with a WebSocket. During an upgrade it passes packets to the candidate, afterwards to the session."""

    def attach(self, receiver: Receiver) -> None:
        """Pass packets to this receiver from now on."""


class Probe(Enum):
    """The state of an upgrade."""

    ATTACHED = auto()
    PROBED = auto()
    UPGRADED = auto()
    FAILED = auto()


_PROBE, _UPGRADE = Packet(PacketType.PING, "probe"), Packet(PacketType.UPGRADE)

#: A packet that is not listed for a state closes the candidate; the session stays on polling. An upgrade packet without
#: a probe is accepted.
PROBE_TRANSITIONS: dict[Probe, dict[Packet, Probe]] = {
    Probe.ATTACHED: {_PROBE: Probe.PROBED, _UPGRADE: Probe.UPGRADED},
    Probe.PROBED: {_UPGRADE: Probe.UPGRADED},
    Probe.UPGRADED: {},
    Probe.FAILED: {},
}


class Candidate:
    """A WebSocket that was opened to become the transport of a session on polling.

    Attributes:
        close_code: the close code for the end of the session (RFC 6455 section 7.4).
    """

    __slots__ = ("_probe", "_release_at", "_timeout_at", "close_code", "driver", "link", "paused", "session")

    def __init__(self, session: Session, driver: WebSocketTransport, link: Connection, now: float) -> None:
        self.session = session
        self.driver = driver
        self.link = link
        self.paused = False
        self.close_code = 1000
        self._probe = Probe.ATTACHED
        link.owner = self
        link.transport = driver
        self._release_at = math.inf
        self._timeout_at = now + session.context.options.upgrade_timeout
        self._set_deadline()
        session.candidate_attached(self)
        untrack(self, link, driver)

    def receive(self, packet: str | bytes | CloseFrame | Failure, now: float) -> None:
        """Take one packet: the probe, then the upgrade packet."""
        parsed = parse_packet(packet, self.session.revision) if isinstance(packet, str) else packet
        following = PROBE_TRANSITIONS[self._probe].get(parsed) if isinstance(parsed, Packet) else None
        if following is Probe.PROBED:
            self._probe = following
            self.link.push(self.session.context.probe_answer, protected=True)
            self._release_polls(now)
            self.driver.wake()
        elif following is Probe.UPGRADED and self.session.state in (State.UPGRADING, State.CLOSING):
            self._probe = following
            self._let_go()
            self.driver.attach(self.session)
            self.session.upgrade(self)
        elif isinstance(packet, Failure):
            self.fail(packet.text, code=packet.close_code)
        else:
            self.fail("unexpected packet during the upgrade")

    def written(self, now: float = math.nan) -> None:
        """Note that the answer to the probe is written."""
        self.link.confirm()

    def lost(self, reason: DisconnectReason, description: str) -> None:
        """End the upgrade, because the connection of the candidate has ended. The session stays on polling."""
        self._drop()

    def session_closes(self, code: int, by_peer: bool) -> None:
        """Note that the session closes. The upgrade may still be completed, unless the client has closed the session.

        Args:
            code: the close code for the WebSocket.
            by_peer: whether the client has closed the session.
        """
        self.close_code = code
        self._release_at = math.inf
        self._set_deadline()
        if by_peer:
            self.session_ended()

    def session_ended(self) -> None:
        """Close the candidate, because the session has ended."""
        self.fail("the session has ended", code=self.close_code)

    # polls of the session

    @property
    def _polls(self) -> Polls:
        polls = self.session.transport.polls
        assert polls is not None
        return polls

    def _release_polls(self, now: float) -> None:
        """Release polls, so that the client can stop polling: the first two at once, later ones by a timer."""
        if self.session.is_open:
            self._release_at = now + NOOP_INTERVAL
            self._set_deadline()
            self._polls.release_all()
            self.session.observer.upgrading()

    # time

    def _set_deadline(self) -> None:
        self.link.set_deadline(min(self._release_at, self._timeout_at))

    def on_timer(self, event: TimerEvent, now: float) -> None:
        """Release a waiting poll, or handle the upgrade timeout."""
        if self._timeout_at <= now:
            self._time_out()
            return
        is_due = self._release_at <= now
        if is_due:
            self._release_at = now + NOOP_INTERVAL
        self._set_deadline()
        if is_due:
            self._polls.release()

    def _time_out(self) -> None:
        """Close the candidate. A session that is closing ends."""
        if not self.session.is_open:
            self.session.end()
            return
        timeout = self.session.context.options.upgrade_timeout
        self.session.context.logger.info(
            "session %s… stays on polling, because the upgrade took more than %g s",
            self.session.sid[:6],
            timeout,
        )
        self.fail("upgrade timeout")

    # the end

    def fail(self, description: str, *, code: int = 1000) -> None:
        """Close the candidate. The session stays on polling."""
        if self._probe not in (Probe.UPGRADED, Probe.FAILED):
            self.link.close(code, description)
            self._drop()
            self.driver.abort(goodbye=True)

    def _drop(self) -> None:
        if self._probe not in (Probe.UPGRADED, Probe.FAILED):
            self._probe = Probe.FAILED
            self._let_go()
            self._polls.hold()
            self.session.candidate_lost()

    def _let_go(self) -> None:
        self.link.set_deadline(math.inf)
        self.link.owner = None
        track(self, self.link, self.driver)


class RejectedWebSocket:
    """A WebSocket that no session uses. It sends a close frame and ignores all packets."""

    __slots__ = ("link", "paused")

    def __init__(self, link: Connection, driver: WebSocketTransport, code: int, reason: str) -> None:
        self.link = link
        self.paused = False
        link.transport = driver
        link.close(code, reason)

    def receive(self, packet: str | bytes | CloseFrame | Failure, now: float) -> None:
        """Ignore the packet."""

    def written(self, now: float = math.nan) -> None:
        """Do nothing: the close frame is written."""

    def lost(self, reason: DisconnectReason, description: str) -> None:
        """Do nothing: the WebSocket has ended."""
