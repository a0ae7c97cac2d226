"""What clients of Engine.IO by itself can do over every transport; ``docs/clients.md`` says so."""

from __future__ import annotations

import pytest

from clients.engine_harness import EngineClient, engine_visited_by
from clients.server import serving
from trio_socketio import EngineServer, EngineSocket

pytestmark = pytest.mark.clients

BYTES = bytes(range(256))
MESSAGES = [
    "text",
    "",
    "你好 🎉",
    '2["looks like Socket.IO"]',
    BYTES,
    b"",
    b"\x04",
    "x" * 100_000,
    BYTES * 500,
]


@pytest.mark.rows("A12", "C1", "C2", "C4", "C6")
async def test_it_connects(engine: EngineClient) -> None:
    async with engine_visited_by(engine) as visit:
        state = await engine.state()
        settled = engine.combination.settled
        assert state == {"id": visit.socket.id, "state": "open", "transport": settled}
        assert visit.socket.transport.name == settled
        assert visit.socket.request.query["EIO"] == str(engine.combination.revision)


@pytest.mark.whole_matrix
@pytest.mark.rows("A12", "C4", "C5", "C6")
async def test_messages_both_ways(engine: EngineClient) -> None:
    async with engine_visited_by(engine) as visit:
        for message in MESSAGES:
            await engine.send(message)
            assert await visit.messages.get() == message
            await visit.socket.send(message)
            assert await engine.message() == message


@pytest.mark.rows("A12")
async def test_many_messages_keep_their_order(engine: EngineClient) -> None:
    async with engine_visited_by(engine) as visit:
        numbered: list[str | bytes] = [b"%d" % n if n % 3 == 0 else str(n) for n in range(200)]
        await engine.send(*numbered)
        assert [await visit.messages.get() for _ in numbered] == numbered
        for message in numbered:
            await visit.socket.send(message)
        assert [await engine.message() for _ in numbered] == numbered


@pytest.mark.rows("A12", "C7")
async def test_binary_as_base64(engine: EngineClient) -> None:
    eio = EngineServer(allow_eio3=True)

    @eio.on("connection")
    async def connection(socket: EngineSocket) -> None:
        async for message in socket:
            await socket.send(message)

    async with serving(eio) as url:
        await engine.connect(url, forceBase64=True)
        (socket,) = eio.clients
        assert socket.request.query["b64"] == "1"
        for message in (BYTES, "text", b""):
            await engine.send(message)
            assert await engine.message() == message


@pytest.mark.rows("A12", "C28", "C29")
async def test_the_client_closes(engine: EngineClient) -> None:
    async with engine_visited_by(engine) as visit:
        await engine.send("last")
        await engine.close()
        assert await engine.event("close") == ["forced close"]
        assert await visit.messages.get() == "last"
        assert await visit.ends.get() == "transport close"
        assert not visit.socket.connected


@pytest.mark.rows("A12", "C28", "C40")
async def test_the_server_closes(engine: EngineClient) -> None:
    async with engine_visited_by(engine) as visit:
        visit.socket.send_nowait("last")
        visit.socket.send_nowait(b"\x00")
        visit.socket.close()
        assert [await engine.message(), await engine.message()] == ["last", b"\x00"]
        assert await engine.event("close") == ["transport close"]
        assert await visit.ends.get() == "forced server close"


@pytest.mark.rows("A12", "C20", "C21")
async def test_the_heartbeat_keeps_it(engine: EngineClient) -> None:
    async with engine_visited_by(engine, ping_interval=0.2, ping_timeout=5.0) as visit:
        await engine.events("ping", 4)
        await engine.send("still here")
        assert await visit.messages.get() == "still here"


@pytest.mark.rows("C34")
async def test_the_initial_packet(engine: EngineClient) -> None:
    async with engine_visited_by(engine, initial_packet="welcome") as visit:
        assert await engine.message() == "welcome"
        await visit.socket.send("more")
        assert await engine.message() == "more"
