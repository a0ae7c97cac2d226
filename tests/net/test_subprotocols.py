"""Subprotocols of WebSockets that the application names none of."""

from __future__ import annotations

from typing import Any

import pytest
from support.raw import fields, switched

from trio_socketio import EngineServer, Server

servers = pytest.mark.parametrize("server", [Server, EngineServer])


async def chosen(wire: Any, asked: str) -> list[str]:
    target = f"{wire.io.path}?EIO=4&transport=websocket"
    received = await switched(wire, target, Sec_WebSocket_Protocol=asked)
    return [value for name, value in fields(received) if name == "sec-websocket-protocol"]


@servers
@pytest.mark.parametrize(("asked", "first"), [
    ("v1.chat", ["v1.chat"]), ("b, a", ["b"]), ("a b, c", ["c"]), ('"a", b', ["b"]), (",,\tb", ["b"]),
    ("\xe9, b", ["b"]), (",", []), ("a/b", []),
])  # fmt: skip
@pytest.mark.rows("P24", "C39")
async def test_first_valid_offer_is_taken(
    autojump_clock: Any, running: Any, server: Any, asked: str, first: list[str]
) -> None:
    async with running(server()) as wire:
        assert await chosen(wire, asked) == first


@servers
@pytest.mark.rows("P24", "C39")
async def test_empty_list_takes_no_offer(autojump_clock: Any, running: Any, server: Any) -> None:
    async with running(server(subprotocols=[])) as wire:
        assert await chosen(wire, "v1.chat") == []
