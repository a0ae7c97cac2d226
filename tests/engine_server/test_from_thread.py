"""Sending to an Engine.IO socket from another thread."""

from __future__ import annotations

from typing import Any

import pytest
from support.outside import in_thread
from support.peers import open_peer

from trio_socketio import (
    EngineServer,
    LocalProtocolError,
)


@pytest.mark.rows("P30", "G19")
async def test_messages_are_sent_from_a_thread(running: Any) -> None:
    eio = EngineServer()
    async with running(eio) as net:
        for transport in ("websocket", "polling"):
            peer = await open_peer(net, transport)
            socket = eio.clients[-1]
            await in_thread(lambda socket=socket: socket.from_thread.send("text"))
            await in_thread(lambda socket=socket: socket.from_thread.send_soon(b"bytes"))
            assert [await peer.receive(), await peer.receive()] == ["text", b"bytes"]
            with pytest.raises(LocalProtocolError):
                await in_thread(lambda socket=socket: socket.from_thread.send("\x1e"))
