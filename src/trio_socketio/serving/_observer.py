"""Watching what the sessions of an engine do; nothing of it is there when nobody watches."""

from __future__ import annotations

import logging
from typing import Any, Protocol

from trio_socketio.engineio import Session, SessionObserver
from trio_socketio.errors import DisconnectReason
from trio_socketio.serving._engine_conn import EngineConn

__all__ = ["EngineObserver", "Observable", "Observed", "report"]


class EngineObserver:
    """Watches all sessions of an engine: ``io.engine.observer = Mine()``, before the server runs.

    Subclasses override what they want to hear of. Each method gets the session first, ``socket.conn`` of a Socket.IO
    server or the socket of an ``EngineServer``. It must not block; what it raises is logged. A broadcast is one message
    for all its receivers, written without a look at each: what goes out is told by ``flush`` and ``drain`` only.
    """

    def open(self, socket: EngineConn) -> None:
        """The session is open; its handlers have not heard of it."""

    def packet(self, socket: EngineConn, kind: str, data: str | bytes) -> None:
        """A packet came: a ``"message"``, or the client's ``"ping"`` or ``"pong"``, without its data."""

    def packet_create(self, socket: EngineConn, kind: str, data: str | bytes) -> None:
        """A message is to be sent by ``EngineSocket.send`` or ``send_nowait``."""

    def data(self, socket: EngineConn, data: str | bytes) -> None:
        """A message came; its handlers have not heard of it."""

    def heartbeat(self, socket: EngineConn) -> None:
        """The client's half of a heartbeat came."""

    def flush(self, socket: EngineConn) -> None:
        """Something that was queued is written."""

    def drain(self, socket: EngineConn) -> None:
        """All that was queued is written."""

    def upgrading(self, socket: EngineConn) -> None:
        """The client has probed a WebSocket."""

    def upgrade(self, socket: EngineConn) -> None:
        """The session has moved to WebSocket."""

    def close(self, socket: EngineConn, reason: str, description: str) -> None:
        """The session has ended; its handlers have not heard of that."""


def report(observer: EngineObserver, event: str, *args: Any) -> None:
    """Tell an observer."""
    try:
        getattr(observer, event)(*args)
    except Exception:
        logging.getLogger("trio_socketio.engine").exception("the observer failed in %r", event)


class Observable(SessionObserver, Protocol):
    """A layer above that knows what applications see of its session."""

    @property
    def conn(self) -> EngineConn:
        """The session as applications see it."""
        ...


class Observed:
    """Between a session and the layer above: tells the application's observer first."""

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
