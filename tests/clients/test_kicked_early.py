"""Clients that are disconnected while they upgrade: between the answer to the probe and the upgrade packet."""

from __future__ import annotations

import pytest

from clients.harness import JsClient
from clients.server import make_server, serving
from trio_socketio import EngineConn, EngineObserver, Socket

pytestmark = [pytest.mark.clients, pytest.mark.rows("P1")]

#: Three of them are more than a socket takes at once.
LARGE = "x" * 300_000


class Probed(EngineObserver):
    """Which sessions have answered a probe."""

    def __init__(self) -> None:
        self.sessions: set[str] = set()
        self.sockets: dict[str, Socket] = {}

    def upgrading(self, socket: EngineConn) -> None:
        self.sessions.add(socket.id)
        self.kick(socket.id)

    def connected(self, socket: Socket) -> None:
        self.sockets[socket.conn.id] = socket
        self.kick(socket.conn.id)

    def kick(self, session: str) -> None:
        if session in self.sessions and session in self.sockets:
            socket = self.sockets.pop(session)
            for number in range(3):
                socket.emit_nowait("large", number, LARGE)
            socket.disconnect(close=True)


async def test_the_queue_and_the_end_come(client: JsClient) -> None:
    io = make_server()
    io.engine.observer = probed = Probed()
    io.on("connection", probed.connected)
    async with serving(io) as url:
        await client.start(url)
        await client.event("connect")
        if client.combination.transport != "upgrade":  # it has nothing to probe
            for session in list(probed.sockets):
                probed.sessions.add(session)
                probed.kick(session)
        for number in range(3):
            assert await client.event("large") == [number, LARGE]
        assert await client.event("disconnect") == ["io server disconnect"]
