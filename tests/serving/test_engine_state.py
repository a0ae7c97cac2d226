"""An engine below a Socket.IO server."""

from __future__ import annotations

import re
from typing import Any

import pytest

from trio_socketio import EngineServer, Server, Socket


@pytest.mark.rows("A11")
async def test_server_uses_the_options_and_hooks_of_a_given_engine(running: Any) -> None:
    eio = EngineServer(path="/mine/", max_http_buffer_size=50_000, inbox_events=7)
    seen: list[str] = []
    eio.on("headers", lambda headers, request: seen.append(request.path))
    io = Server(engine=eio, ordering="concurrent")
    assert io.engine is eio is io.config.engine
    assert (io.path, io.config.inbox_events, io.config.ordering) == ("/mine/", 7, "concurrent")
    for _ in range(2):
        assert eio.clients_count == 0
        async with running(io) as net:
            assert io.engine is eio
            client = await net.connect()
            assert client.open["maxPayload"] == 50_000
            assert eio.clients_count == 1
            assert isinstance(next(iter(io.sockets.values())), Socket)
            assert eio.clients == []
    assert seen == ["/mine/", "/mine/"]


@pytest.mark.rows("A11")
async def test_engine_belongs_to_one_server() -> None:
    eio = EngineServer()
    Server(engine=eio)
    with pytest.raises(ValueError, match="is already in use"):
        Server(engine=eio)
    for engine in (eio, Server().engine):
        with pytest.raises(RuntimeError, match="belongs to a Server"):
            await engine.serve("127.0.0.1", 0)
        with pytest.raises(ValueError, match=re.escape("use io.on(...)")):
            engine.on("connection", lambda socket: None)
        engine.on("connection_error", lambda *args: None)
    running = EngineServer()
    async with running:
        with pytest.raises(ValueError, match="is already in use"):
            Server(engine=running)
    heard = EngineServer()
    heard.on("message", lambda socket, data: None)
    with pytest.raises(ValueError, match="has handlers for sockets"):
        Server(engine=heard)


@pytest.mark.rows("A11", "B8")
async def test_engine_of_a_server_exists_before_and_after_the_server_runs(running: Any) -> None:
    io = Server()
    engine, refused = io.engine, []
    assert (engine.clients_count, dict(engine.refused)) == (0, {})
    engine.on("connection_error", lambda request, code, message, context: refused.append(code))
    for _ in range(2):
        async with running(io) as net:
            await net.connect()
            await net.http().request("GET", "/socket.io/?EIO=4&transport=flash")
            assert io.engine is engine
            assert engine.clients_count == 1
            assert dict(engine.refused) == {"TRANSPORT_UNKNOWN": 1}
        assert (engine.clients_count, dict(engine.refused)) == (0, {})
    assert refused == [0, 0]
