"""Sessions of a real server whose output is discarded, so that only the cost of the server is measured."""

from __future__ import annotations

from typing import Any

import trio

from trio_socketio import Server
from trio_socketio.engineio import EngineRequest, Session

#: Output is taken after this many events. A busy reactor writes the output of several events together, too.
EVENTS_A_FLUSH = 8


class Sink:
    """A WebSocket transport that discards its output."""

    __slots__ = ("_wakes", "receiver")

    name = "websocket"
    polls = None
    driver = "sink"

    def __init__(self) -> None:
        self._wakes = 0
        self.receiver: Any = None

    def attach(self, receiver: Any) -> None:
        """Set the session whose output is discarded."""
        self.receiver = receiver

    def wake(self) -> None:
        """Count an output, and take it every ``EVENTS_A_FLUSH`` times."""
        self._wakes += 1
        if self._wakes % EVENTS_A_FLUSH == 0:
            self.flush()

    def flush(self) -> None:
        """Take all output."""
        link = link_of(self.receiver)
        link.take(1 << 20)
        link.confirm()

    def resume(self) -> None:
        """Do nothing: this transport does not read."""

    def close(self) -> None:
        """Close the transport."""
        self.receiver.lost("transport close", "")

    def abort(self, *, goodbye: bool) -> None:
        """Do nothing: there is no connection to abort."""


def link_of(session: Session) -> Any:
    """Return the connection object of a session, ``session.link``. In older versions, its name is ``conn``."""
    return session.link if hasattr(session, "link") else getattr(session, "conn")  # noqa: B009


def open_session(io: Server, sink: Sink | None = None) -> Session:
    """Open a session with this sink or a new one, and join the main namespace.

    The socket is connected at once unless something is awaited.
    """
    engine = io._require_runtime().engine
    request = EngineRequest("GET", "/socket.io/?EIO=4&transport=websocket", {"host": "sink"}, upgrade=True)
    rules = getattr(engine, "rules", engine)  # in older versions, the engine has these methods
    refusal = rules.verify(request)
    if refusal is None and hasattr(rules, "admit"):  # in older versions, ``verify`` includes this
        refusal = rules.admit(request)
    if refusal is not None:
        raise RuntimeError(f"refused: {refusal}")
    transport = sink or Sink()

    def serve(session: Session) -> Sink:
        transport.attach(session)
        return transport

    now = trio.current_time()
    engine.open_websocket(request, serve, now)
    session: Session = transport.receiver
    session.observer.text(b"0", now)
    transport.flush()
    return session
