"""Connection handlers of an Engine.IO server that hold messages for 5 s are named in the log once."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.handlers import hold_for_3_seconds
from support.logs import warnings
from support.peers import open_peer

from trio_socketio import EngineServer, EngineSocket

CONNECTION = "has not returned for 5 s, and events of its client wait for that"

pytestmark = pytest.mark.rows("P35")


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_connection_handler_that_holds_messages_is_named_once(
    running: Any, autojump_clock: Any, caplog: pytest.LogCaptureFixture, transport: Any
) -> None:
    eio = EngineServer(hold_timeout=20)

    @eio.on("connection")
    async def greet(socket: EngineSocket) -> None:
        await trio.sleep_forever()

    heard: list[str] = []
    eio.on("message", lambda socket, data: heard.append(data))
    async with running(eio) as net:
        peers = [await open_peer(net, transport) for _ in range(2)]
        await trio.sleep(6)
        for peer in peers:
            await peer.send("text")
        await trio.sleep(4.9)
        assert warnings(caplog) == []
        await trio.sleep(0.3)
        (warning,) = warnings(caplog)
        for part in (CONNECTION, "greet", "socket.ready()", "socket.nursery"):
            assert part in warning
        await trio.sleep(10)
        assert heard == ["text"] * 2
        assert len(warnings(caplog)) == 1
        assert eio._require_runtime().holding == {}


@pytest.mark.parametrize("how", ["ready", "iteration", "returns", "client leaves"])
async def test_handler_that_holds_no_messages_is_not_named(
    running: Any, autojump_clock: Any, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    eio = EngineServer()
    eio.on("message", lambda socket, data: None)
    hold_for_3_seconds(eio, how)
    async with running(eio) as net:
        peer = await open_peer(net, "websocket")
        await peer.send("text")
        await trio.sleep(2)
        if how == "client leaves":
            await peer.close()
        await trio.sleep(8)
        assert warnings(caplog) == []
        assert eio._require_runtime().holding == {}
