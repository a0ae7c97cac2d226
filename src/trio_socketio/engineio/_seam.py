"""The seam: what the engine asks of the transports below a session, and of the layer above it.

Below stands a driver that holds a byte stream, or a host that has its own WebSockets and hands over whole messages.
Session, upgrade, polling and closing are decided above, once for all of them.
"""

from __future__ import annotations

import math
from typing import Protocol

from trio_socketio._core import CloseFrame, Connection, ConnectionObserver, ConnectionTransport, Failure
from trio_socketio.engineio._liveness import Delivery
from trio_socketio.engineio._options import TransportName
from trio_socketio.errors import DisconnectReason

__all__ = [
    "NULL_OBSERVER",
    "NullObserver",
    "Polls",
    "Receiver",
    "SessionObserver",
    "Transport",
    "UpgradeCandidate",
]


class Polls(Protocol):
    """What a session controls of its polls, beyond what every transport does."""

    def release(self) -> None:
        """Answer the waiting poll with a noop packet, if there is nothing better."""

    def release_all(self) -> None:
        """Answer the waiting poll and the next one: the client is to stop polling."""

    def hold(self) -> None:
        """Let polls wait for messages again."""

    def was_polled(self) -> bool:
        """Whether a poll waits, or has come since this was asked last."""
        ...


class Transport(ConnectionTransport, Protocol):
    """What serves a session now: the seam between the engine and its drivers."""

    @property
    def name(self) -> TransportName:
        """``"polling"`` or ``"websocket"``."""
        ...

    @property
    def polls(self) -> Polls | None:
        """The polls of the session; None: a WebSocket serves it."""

    @property
    def driver(self) -> str:
        """Who carries the bytes: ``"polling"``, ``"stream"``, ``"reactor"``, or a host's own name."""
        ...

    def wake(self) -> None:
        """There is output."""

    def resume(self) -> None:
        """Reading may go on."""

    def close(self) -> None:
        """Send what is queued, then say goodbye, then call ``Receiver.lost``; all of it in bounded time."""

    def abort(self, *, goodbye: bool) -> None:
        """Let go at once; say goodbye if that costs no waiting and is wanted."""

    def delivery(self, now: float) -> Delivery | None:
        """How far the client has received what was written; None: that cannot be told.

        Asked only when an answer to a ping is due and does not come.
        """


class Receiver(Protocol):
    """What a driver feeds: a session, or an upgrade candidate before it became one."""

    @property
    def link(self) -> Connection:
        """Where bytes go in and come out."""
        ...

    @property
    def paused(self) -> bool:
        """Whether the driver must stop handing over packets until ``Transport.resume``."""
        ...

    def receive(self, packet: str | bytes | CloseFrame | Failure, now: float) -> None:
        """One packet (text with its type digit, or a binary message), or how the stream of them ended."""

    def written(self, now: float = math.nan) -> None:
        """What was taken from ``link`` is on its way.

        Args:
            now: the wait for the answer to a ping among it begins at this time. A host that knows none leaves it out.
        """

    def lost(self, reason: DisconnectReason, description: str) -> None:
        """The transport is gone."""


class UpgradeCandidate(Protocol):
    """What a session asks of the WebSocket that may take over."""

    @property
    def link(self) -> Connection:
        """Where bytes of the WebSocket go in and come out."""
        ...

    @property
    def driver(self) -> Transport:
        """What holds the WebSocket."""
        ...

    @property
    def close_code(self) -> int:
        """What is sent with the session's end (RFC 6455 section 7.4)."""
        ...

    def session_closes(self, code: int, by_peer: bool) -> None:
        """The session closes with this code; ``by_peer``: the client asked for it."""

    def session_ended(self) -> None:
        """The session is over."""


class SessionObserver(ConnectionObserver, Protocol):
    """The layer above. Every call returns at once, and raises nothing but what stops the program."""

    def opened(self, now: float) -> None:
        """The open packet is queued; what is sent from here on comes behind it."""

    def text(self, data: bytes, now: float) -> None:
        """A text message, UTF-8 without the packet type; its content is opaque to the engine."""

    def binary(self, data: bytes, now: float) -> None:
        """A binary message."""

    def writable(self) -> None:
        """Queued messages were written or dropped."""

    def alarm(self, now: float) -> None:
        """The time given to ``Session.set_alarm`` has come."""

    def held(self, seconds: float) -> None:
        """The client has not been read for so long, because its inbox is full; called once for each pause."""

    def heartbeat(self, now: float) -> None:
        """The client's half of a heartbeat came; over WebSocket in revision 4 only if ``link.report_pongs``."""

    def upgrading(self) -> None:
        """A WebSocket has been probed that may become the transport."""

    def upgraded(self) -> None:
        """The session moved to WebSocket."""

    def closed(self, reason: DisconnectReason, description: str) -> None:
        """The session has ended; called once."""


class NullObserver:
    """The observer of a session that has ended. It does nothing."""

    def opened(self, now: float) -> None:
        pass

    def text(self, data: bytes, now: float) -> None:
        pass

    def binary(self, data: bytes, now: float) -> None:
        pass

    def writable(self) -> None:
        pass

    def alarm(self, now: float) -> None:
        pass

    def held(self, seconds: float) -> None:
        pass

    def heartbeat(self, now: float) -> None:
        pass

    def upgrading(self) -> None:
        pass

    def upgraded(self) -> None:
        pass

    def closed(self, reason: DisconnectReason, description: str) -> None:
        pass


#: It has no state, so all sessions share one.
NULL_OBSERVER = NullObserver()
