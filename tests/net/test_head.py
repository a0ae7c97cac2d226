"""Fields that a request repeats (RFC 9110 section 5.3)."""

from __future__ import annotations

from typing import Any

import pytest
from support.raw import POLLING, WEBSOCKET, exchange, read_until, request, status, upgrade

from trio_socketio import EngineRequest, Server


@pytest.mark.rows("P22")
@pytest.mark.parametrize("target", [POLLING, WEBSOCKET])
async def test_cookies_are_joined_by_semicolons(autojump_clock: Any, running: Any, target: str) -> None:
    asked: list[EngineRequest] = []

    async def allow(request: EngineRequest) -> None:
        asked.append(request)

    repeated = ["Cookie: a=1; b=2", "X-Many: 1", "cookie: c=3", "X-Many: 2", "COOKIE: d=4"]
    io = Server(allow_request=allow)
    async with running(io) as wire:
        if target is POLLING:
            received = await exchange(wire.stream(), request(target, *repeated, "Connection: close"))
            assert status(received) == 200
        else:
            stream = wire.stream()
            data = upgrade(target).replace(b"\r\n\r\n", "\r\n".join(["", *repeated, "", ""]).encode())
            await stream.send_all(data)
            assert status(await read_until(stream, b"maxPayload")) == 101
        headers = asked[0].headers
        assert headers["cookie"] == "a=1; b=2; c=3; d=4"
        assert headers["x-many"] == "1, 2"
        (session,) = io.engine._engine_state.engine.sessions.values()  # type: ignore[union-attr]
        assert session.request.headers["cookie"] == headers["cookie"]
