"""The state of a running server that its sockets share."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server, Socket


@pytest.mark.rows("F7")
async def test_ack_after_the_disconnect_is_dropped_and_counted(running: Any) -> None:
    io = Server()
    finished = trio.Event()

    @io.on("ask")
    async def ask(socket: Socket) -> str:
        with trio.CancelScope(shield=True):
            socket.disconnect()
            await trio.lowlevel.checkpoint()
        finished.set()
        return "late"

    async with running(io) as net:
        client = await net.connect()
        await client.emit("ask", ack=0)
        assert await client.receive() == "1"
        await finished.wait()
        await wait_all_tasks_blocked()
        assert io._require_runtime().acks_dropped == 1
