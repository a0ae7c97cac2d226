"""What the compiled modules call in Python, and a connection's owner.

Each call is made on the server's thread. A call into an observer or a reactor's transport may end any connection.
"""

from __future__ import annotations

from typing import Protocol

from trio_socketio._core._types import CloseFrame, Failure, TimerEvent

__all__ = ["ConnectionObserver", "ConnectionOwner", "ConnectionTransport", "ReactorTransport"]


class ConnectionOwner(Protocol):
    """What a connection belongs to. C does not call it; what deals with the timers that C reports does."""

    def on_timer(self, event: TimerEvent, now: float) -> None:
        """A timer of the connection is due."""


class ConnectionTransport(Protocol):
    """What serves a connection."""

    def wake(self) -> None:
        """There is output. A connection of a reactor does not call this: its flush list does."""


class ReactorTransport(ConnectionTransport, Protocol):
    """What serves a connection in a reactor. Only ``failed`` must not raise."""

    def receive(self, packet: str | bytes | CloseFrame | Failure, now: float) -> None:
        """A packet came that is not a message of an open session."""

    def flushed(self) -> None:
        """The reactor has written; called only while ``Connection.watched``."""

    def ended(self) -> None:
        """The peer sends no more."""

    def broken(self, error: int) -> None:
        """The connection broke, with this ``errno``."""

    def failed(self, error: Exception) -> None:
        """A call for this connection has raised this."""


class ConnectionObserver(Protocol):
    """What gets the messages of an open session from a reactor."""

    def text(self, data: bytes, now: float) -> None:
        """A text message, UTF-8 without the packet type."""

    def binary(self, data: bytes, now: float) -> None:
        """A binary message."""
