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
        self.receiver.link.take(1 << 20)
        self.receiver.link.confirm()

    def resume(self) -> None:
        """Do nothing: this transport does not read."""

    def close(self) -> None:
        """Close the transport."""
        self.receiver.lost("transport close", "")

    def abort(self, *, goodbye: bool) -> None:
        """Do nothing: there is no connection to abort."""


def open_session(io: Server) -> Session:
    """Open a session, and join the main namespace. The socket is connected at once unless something is awaited."""
    engine = io._require_runtime().engine
    request = EngineRequest("GET", "/socket.io/?EIO=4&transport=websocket", {"host": "sink"}, upgrade=True)
    refusal = engine.rules.verify(request)
    if refusal is None and hasattr(engine, "admit"):  # in older versions, ``verify`` includes this
        refusal = engine.rules.admit(request)
    if refusal is not None:
        raise RuntimeError(f"refused: {refusal}")
    sink = Sink()

    def serve(session: Session) -> Sink:
        sink.attach(session)
        return sink

    now = trio.current_time()
    engine.open_websocket(request, serve, now)
    session: Session = sink.receiver
    session.observer.text(b"0", now)
    sink.flush()
    return session
