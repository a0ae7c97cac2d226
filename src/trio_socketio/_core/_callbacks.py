"""Protocols of the Python objects that the compiled modules call, and of a connection's owner.

All calls are made in the server's thread. A call to an observer or a reactor's transport may end any connection.
"""

from __future__ import annotations

from typing import Protocol

from trio_socketio._core._types import CloseFrame, Failure, TimerEvent

__all__ = ["ConnectionObserver", "ConnectionOwner", "ConnectionTransport", "ReactorTransport"]


class ConnectionOwner(Protocol):
    """The owner of a connection, for example a session. C only reports timers; the engine then calls the owner."""

    def on_timer(self, event: TimerEvent, now: float) -> None:
        """Handle a timer of the connection that is due."""


class ConnectionTransport(Protocol):
    """The transport that serves a connection."""

    def wake(self) -> None:
        """Write soon, because there is output. Not called for a connection of a reactor, which has a flush list."""


class ReactorTransport(ConnectionTransport, Protocol):
    """The transport that serves a connection of a reactor. Any method except ``failed`` may raise."""

    def receive(self, packet: str | bytes | CloseFrame | Failure, now: float) -> None:
        """Handle a packet that is not a message of an open session."""

    def flushed(self) -> None:
        """Go on after the reactor has written. Called only while ``Connection.watched`` is True."""

    def ended(self) -> None:
        """Handle the end of the peer's half of the connection."""

    def broken(self, error: int) -> None:
        """Handle a broken connection, with this ``errno``."""

    def failed(self, error: Exception) -> None:
        """Handle an exception that a call for this connection has raised."""


class ConnectionObserver(Protocol):
    """Receives the messages of an open session from a reactor."""

    def text(self, data: bytes, now: float) -> None:
        """Receive a text message: UTF-8 without the packet type."""

    def binary(self, data: bytes, now: float) -> None:
        """Receive a binary message."""
