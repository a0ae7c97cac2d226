"""Fields that every response has: Date, and how long the connection is kept."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from support.raw import POLLING, exchange, fields, read_until, request, status

from trio_socketio import EngineServer, Server

CLOSE = "Connection: close"


def values(received: bytes, name: str) -> list[str]:
    return [value for field, value in fields(received) if field == name]


@pytest.mark.rows("P23")
@pytest.mark.parametrize("server", [Server, EngineServer])
async def test_every_response_has_a_date(autojump_clock: Any, running: Any, server: Any) -> None:
    async with running(server(health_path="/healthz")) as wire:
        path = wire.io.path
        for data, code in [
            (request(f"{path}?EIO=4&transport=polling", CLOSE), 200),
            (request("/nothing", CLOSE), 404),
            (request("/healthz", CLOSE), 200),
            (request(path, CLOSE), 400),
            (request(path, CLOSE, method="HEAD"), 400),
            (request(path, "Upgrade: websocket", "Connection: upgrade"), 400),
            (request(f"{path}?EIO=4&transport=websocket", "Upgrade: x", "Connection: upgrade"), 426),
            (b"nonsense\r\n\r\n", 400),
            (request(path, version="2.0"), 505),
            (request(path, "X: " + "x" * 20_000), 431),
        ]:
            before = int(time.time())
            received = await exchange(wire.stream(), data)
            assert status(received) == code
            (date,) = values(received, "date")
            assert date.endswith(" GMT")
            assert before <= parsedate_to_datetime(date).timestamp() <= time.time()
            assert values(received, "connection") == ["close"]
            assert values(received, "keep-alive") == []


@pytest.mark.rows("P23")
@pytest.mark.parametrize(("seconds", "told"), [(65.0, "timeout=65"), (5.9, "timeout=5"), (1, "timeout=1")])
async def test_response_states_how_long_the_connection_is_kept(
    autojump_clock: Any, running: Any, seconds: float, told: str
) -> None:
    async with running(Server(keep_alive_timeout=seconds)) as wire:
        polling = await wire.polling()
        post = request(polling.target, "Content-Length: 2", method="POST", body=b"40")
        for data in (post, request(polling.target), request("/nothing"), request(POLLING)):
            stream = wire.stream()
            await stream.send_all(data)
            received = await read_until(stream, b"\r\n\r\n")
            assert values(received, "connection") == ["keep-alive"]
            assert values(received, "keep-alive") == [told]


@pytest.mark.rows("P23")
async def test_keep_alive_below_a_second_is_not_stated(autojump_clock: Any, running: Any) -> None:
    async with running(Server(keep_alive_timeout=0.5)) as wire:
        stream = wire.stream()
        await stream.send_all(request("/nothing"))
        received = await read_until(stream, b"\r\n\r\n")
        assert values(received, "connection") == values(received, "keep-alive") == []


@pytest.mark.rows("P23", "B14")
async def test_hooks_cannot_set_the_date(
    autojump_clock: Any, running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server()
    io.engine.on("headers", lambda headers, request: headers.append(("Date", "today")))
    async with running(io) as wire:
        received = await exchange(wire.stream(), request(POLLING, CLOSE))
        assert len(values(received, "date")) == 1
        assert "only the server may set the header field Date" in caplog.text
