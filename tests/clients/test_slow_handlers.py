"""Real clients whose events wait behind a slow handler: they are healthy, and are not lost."""

from __future__ import annotations

import pytest
import trio

from clients.harness import JsClient, visited_by
from clients.server import echoes, make_server
from trio_socketio import Socket

pytestmark = [pytest.mark.clients, pytest.mark.rows("P2")]

INTERVAL = TIMEOUT = 0.5


async def test_client_behind_a_slow_handler_is_not_lost(client: JsClient) -> None:
    io = make_server(ping_interval=INTERVAL, ping_timeout=TIMEOUT, inbox_events=8)
    echoes(io)
    handled = 0
    done = trio.Event()

    @io.on("slow")
    async def slow(socket: Socket) -> None:
        nonlocal handled
        handled += 1
        if handled == 1:
            await trio.sleep(1.5 * (INTERVAL + TIMEOUT))
        if handled == 30:
            done.set()

    async with visited_by(client, io) as visit:
        for _ in range(30):
            await client.emit("slow")
        with trio.fail_after(20):
            await done.wait()
        assert visit.socket.connected
        assert not len(visit.ends)
        assert await client.call("echo", "still here") == ["still here"]
