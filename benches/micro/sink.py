"""Sessions of a real server whose bytes go nowhere: all that costs is the server's own."""

from __future__ import annotations

from typing import Any

import trio

from trio_socketio import Server
from trio_socketio.engineio import EngineRequest, Session

#: As a reactor does when much is under way: it writes what several events have left.
EVENTS_A_FLUSH = 8


class Sink:
    """A WebSocket transport that takes everything."""

    __slots__ = ("_wakes", "receiver")

    name = "websocket"
    polls = None
    driver = "sink"

    def __init__(self) -> None:
        self._wakes = 0
        self.receiver: Any = None

    def attach(self, receiver: Any) -> None:
        """Take what this one sends."""
        self.receiver = receiver

    def wake(self) -> None:
        """There is output."""
        self._wakes += 1
        if self._wakes % EVENTS_A_FLUSH == 0:
            self.flush()

    def flush(self) -> None:
        """Take it."""
        self.receiver.link.take(1 << 20)
        self.receiver.link.confirm()

    def resume(self) -> None:
        """Nothing is read here."""

    def close(self) -> None:
        """Be gone."""
        self.receiver.lost("transport close", "")

    def abort(self, *, goodbye: bool) -> None:
        """Be gone already."""


def open_session(io: Server) -> Session:
    """Let a client in, and into the main namespace. It is connected at once unless something has to be awaited."""
    engine = io._require_runtime().engine
    request = EngineRequest("GET", "/socket.io/?EIO=4&transport=websocket", {"host": "sink"}, upgrade=True)
    refusal = engine.rules.verify(request)
    if refusal is None and hasattr(engine, "admit"):  # before there was that, ``verify`` did its work, too
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
