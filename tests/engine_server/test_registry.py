"""Registration of the handlers for an Engine.IO server's sockets."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.peers import Closed, open_peer
from trio.testing import wait_all_tasks_blocked

from trio_socketio import EngineServer, EngineSocket


@pytest.mark.rows("A12")
async def test_message_of_another_type_closes_the_socket(
    running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    eio = EngineServer()
    log: list[str] = []

    @eio.on("message")
    def message(socket: EngineSocket, data: str) -> None:
        log.append(data)

    async with running(eio) as net:
        peer, other = await open_peer(net, "websocket"), await open_peer(net, "websocket")
        await peer.send("text", b"bytes", "never seen")
        with pytest.raises(Closed, match="1011"):
            await peer.receive()
        await other.send("other")
        await wait_all_tasks_blocked()
    assert log == ["text", "other"]
    assert "handler of 'message' failed: the socket is closed" in caplog.text


@pytest.mark.rows("A12")
async def test_functions_that_cannot_be_called_are_refused() -> None:
    eio = EngineServer()
    with pytest.raises(
        ValueError, match="event must be one of 'close', 'connection', 'message', 'connection_error'"
    ):
        eio.on("disconnect", lambda socket: None)
    for event, function, count in (
        ("connection", lambda socket, data: None, 0),
        ("message", lambda socket, data, more: None, 1),
        ("close", lambda socket, reason, description, more: None, 2),
    ):
        with pytest.raises(TypeError, match=f"expects .*, but '{event}' has {count}"):
            eio.on(event, function)
    with pytest.raises(TypeError, match="has no parameter for the message"):
        eio.on("message", lambda socket: None)
    with pytest.raises(TypeError, match="first parameter for the socket"):
        eio.on("message", lambda: None)
    with pytest.raises(TypeError, match="never awaited"):
        eio.on("headers", trio.sleep_forever)
