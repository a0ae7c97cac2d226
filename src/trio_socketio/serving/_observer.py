"""Observe the sessions of an engine. Without an observer, sessions have no extra object and no extra calls."""

from __future__ import annotations

import logging
from typing import Any, Protocol

from trio_socketio._passing import passes
from trio_socketio.engineio import Session, SessionObserver
from trio_socketio.errors import DisconnectReason
from trio_socketio.serving._engine_conn import EngineConn

__all__ = ["EngineObserver", "Observable", "Observed", "report"]


class EngineObserver:
    """An observer of all sessions of an engine. Set it before the server runs: ``io.engine.observer = Mine()``.

    Subclasses override the methods that they need. The first argument of each method is the session: ``socket.conn`` of
    a Socket.IO server, or the socket of an ``EngineServer``. Methods must not block; their exceptions are logged. There
    is no method for each packet that is sent, because a broadcast is one message for all its receivers. Use ``flush``
    and ``drain``.
    """

    def open(self, socket: EngineConn) -> None:
        """Called when the session is open, before its handlers."""

    def packet(self, socket: EngineConn, kind: str, data: str | bytes) -> None:
        """Called for each received ``"message"`` with its data, and for each ``"ping"`` or ``"pong"`` without data."""

    def packet_create(self, socket: EngineConn, kind: str, data: str | bytes) -> None:
        """Called before ``EngineSocket.send`` or ``send_nowait`` sends a message."""

    def data(self, socket: EngineConn, data: str | bytes) -> None:
        """Called for each received message, before its handlers."""

    def heartbeat(self, socket: EngineConn) -> None:
        """Called for each pong (in revision 3, each ping) of the client."""

    def flush(self, socket: EngineConn) -> None:
        """Called when queued messages were written."""

    def drain(self, socket: EngineConn) -> None:
        """Called when all queued messages are written."""

    def upgrading(self, socket: EngineConn) -> None:
        """Called when the client has probed a WebSocket."""

    def upgrade(self, socket: EngineConn) -> None:
        """Called when the session has moved to WebSocket."""

    def close(self, socket: EngineConn, reason: str, description: str) -> None:
        """Called when the session has ended, before its handlers."""


def report(observer: EngineObserver, event: str, *args: Any) -> None:
    """Call the method of an observer for an event. Log its exceptions."""
    try:
        getattr(observer, event)(*args)
    except BaseException as error:
        if passes(error):
            raise
        logging.getLogger("trio_socketio.engine").exception("the observer failed in %r", event)


class Observable(SessionObserver, Protocol):
    """An observer of a session that also has the session's public object."""

    @property
    def conn(self) -> EngineConn:
        """The public object for the session."""
        ...


class Observed:
    """Calls the application's observer before it passes each event of a session to the layer above."""

    __slots__ = ("_above", "_conn", "_observer", "_session")

    def __init__(self, session: Session, above: Observable, observer: EngineObserver) -> None:
        self._session = session
        self._above = above
        self._conn = above.conn
        self._observer = observer
        session.link.report_pongs = session.link.watched = True

    def _tell(self, event: str, *args: object) -> None:
        report(self._observer, event, self._conn, *args)

    def opened(self, now: float) -> None:
        self._tell("open")
        self._above.opened(now)

    def text(self, data: bytes, now: float) -> None:
        self._message(data.decode("utf-8", "surrogatepass"))
        self._above.text(data, now)

    def binary(self, data: bytes, now: float) -> None:
        self._message(data)
        self._above.binary(data, now)

    def _message(self, data: str | bytes) -> None:
        self._tell("packet", "message", data)
        self._tell("data", data)

    def heartbeat(self, now: float) -> None:
        self._tell("packet", "ping" if self._session.revision == 3 else "pong", "")
        self._tell("heartbeat")
        self._above.heartbeat(now)

    def writable(self) -> None:
        if self._conn.connected:
            self._tell("flush")
            if not self._conn.buffered:
                self._tell("drain")
        self._above.writable()

    def alarm(self, now: float) -> None:
        self._above.alarm(now)

    def held(self, seconds: float) -> None:
        self._above.held(seconds)

    def upgrading(self) -> None:
        self._tell("upgrading")
        self._above.upgrading()

    def upgraded(self) -> None:
        self._tell("upgrade")
        self._above.upgraded()

    def closed(self, reason: DisconnectReason, description: str) -> None:
        self._tell("close", str(reason), description)
        self._above.closed(reason, description)
