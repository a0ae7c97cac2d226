"""The interfaces between a session and the layers around it: the transport below, the observer above.

A transport is a driver with a byte stream, or a host that has its own WebSockets and passes complete messages. The
session, the upgrade, polling and closing are implemented once, above all of them.
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
    """The additional methods of the polling transport."""

    def release(self) -> None:
        """Answer the waiting poll with a noop packet, unless messages are queued."""

    def release_all(self) -> None:
        """Answer the waiting poll and the next one at once, so that the client can stop polling."""

    def hold(self) -> None:
        """Let polls wait for messages again."""

    def was_polled(self) -> bool:
        """Return whether a poll waits, or has come since the last call of this method."""
        ...


class Transport(ConnectionTransport, Protocol):
    """The transport that serves a session: the interface between the engine and its drivers."""

    @property
    def name(self) -> TransportName:
        """``"polling"`` or ``"websocket"``."""
        ...

    @property
    def polls(self) -> Polls | None:
        """The methods of the polling transport; None: the session is on WebSocket."""

    @property
    def driver(self) -> str:
        """The name of the driver: ``"polling"``, ``"stream"``, ``"reactor"``, or the name of a host."""
        ...

    def wake(self) -> None:
        """Send the output that is queued in ``Receiver.link``."""

    def resume(self) -> None:
        """Read from the client again."""

    def close(self) -> None:
        """Send the queued messages and a close frame or packet, then call ``Receiver.lost``, in bounded time."""

    def abort(self, *, goodbye: bool) -> None:
        """End the transport at once.

        Args:
            goodbye: whether to send a close frame or packet, if this does not have to wait.
        """

    def delivery(self, now: float) -> Delivery | None:
        """Return how far the client has received what was written; None: this is unknown.

        Called only for a ping: when it is queued behind other messages, when it is written, and when its answer is
        overdue.
        """


class Receiver(Protocol):
    """The object to which a driver passes packets: a session, or a candidate during the upgrade."""

    @property
    def link(self) -> Connection:
        """The connection object, which parses incoming bytes and queues outgoing ones."""
        ...

    @property
    def paused(self) -> bool:
        """Whether the driver must stop passing packets until ``Transport.resume``."""
        ...

    def receive(self, packet: str | bytes | CloseFrame | Failure, now: float) -> None:
        """Take one packet (text with its type digit, or a binary message), or the reason why no more will come."""

    def written(self, now: float = math.nan) -> None:
        """Note that the output that was taken from ``link`` is written.

        Args:
            now: when the wait for the answer to a ping in this output begins. A host that has no clock omits it; the
                wait then began when the ping was queued.
        """

    def lost(self, reason: DisconnectReason, description: str) -> None:
        """Note that the transport has ended."""


class UpgradeCandidate(Protocol):
    """The interface of an upgrade candidate to its session."""

    @property
    def link(self) -> Connection:
        """The connection object of the WebSocket."""
        ...

    @property
    def driver(self) -> Transport:
        """The transport that holds the WebSocket."""
        ...

    @property
    def close_code(self) -> int:
        """The close code for the end of the session (RFC 6455 section 7.4)."""
        ...

    def session_closes(self, code: int, by_peer: bool) -> None:
        """Note that the session closes with this code; ``by_peer``: at the client's request."""

    def session_ended(self) -> None:
        """Close the candidate, because the session has ended."""


class SessionObserver(ConnectionObserver, Protocol):
    """The layer above a session.

    No method waits, and none raises an exception except those that stop the program, such as ``KeyboardInterrupt``.
    """

    def opened(self, now: float) -> None:
        """Called when the open packet is queued. Messages that are sent from then on follow it."""

    def text(self, data: bytes, now: float) -> None:
        """Take a text message: UTF-8 without the packet type. The engine does not interpret it."""

    def binary(self, data: bytes, now: float) -> None:
        """Take a binary message."""

    def writable(self) -> None:
        """Called when queued messages were written or dropped."""

    def alarm(self, now: float) -> None:
        """Called at the time that was passed to ``Session.set_alarm``."""

    def held(self, seconds: float) -> None:
        """Called once for each pause, when it has lasted ``seconds``. Sessions pause when their inbox is full."""

    def heartbeat(self, now: float) -> None:
        """Called for each pong (in revision 3, each ping) of the client.

        Over WebSocket in revision 4, this is called only if ``link.report_pongs``.
        """

    def upgrading(self) -> None:
        """Called when a candidate has been probed, before the session moves to WebSocket."""

    def upgraded(self) -> None:
        """Called when the session has moved to WebSocket."""

    def closed(self, reason: DisconnectReason, description: str) -> None:
        """Called once, when the session has ended."""


class NullObserver:
    """The observer of a session that has ended. Its methods do nothing."""

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


#: The observer has no state, so all sessions share one.
NULL_OBSERVER = NullObserver()
