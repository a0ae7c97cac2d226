"""What a connection leaves to the garbage collector: nothing. With 10,000 clients, a full collection takes 50 ms."""

from __future__ import annotations

from typing import Any

import pytest
from support.leftovers import garbage
from support.wire import Wire
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server


async def _by_upgrade(wire: Wire) -> None:
    """Open a session on polling, as default clients do, let it poll, and upgrade it to WebSocket."""
    polling = await (await wire.polling()).connect()
    wire.io.emit_nowait("waits for the poll")
    await polling.get()
    ws = await polling.upgrade()
    await ws.send("2probe")
    assert await ws.receive() == "3probe"
    await ws.send("5")
    await ws.send("41")
    await polling.gets.stream.aclose()
    await polling.posts.stream.aclose()
    await ws.stream.aclose()


async def _with_websocket(wire: Wire) -> None:
    ws = await wire.websocket("/socket.io/?EIO=4&transport=websocket")
    await ws.send("40")
    await ws.stream.aclose()


VISITS = (_by_upgrade, _with_websocket)


@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: visit.__name__.strip("_"))
async def test_connection_that_has_ended_is_no_garbage(
    visit: Any, autojump_clock: Any, running: Any, parser: Any
) -> None:
    async with running(Server(http=parser)) as wire:
        await visit(wire)  # what is imported or cached at the first visit
        await wait_all_tasks_blocked()
        with garbage() as found:
            await visit(wire)
            await wait_all_tasks_blocked()
            assert wire.io.engine.clients_count == 0
        ours = {type(thing).__name__ for thing in found if type(thing).__module__.startswith("trio_socketio")}
        assert ours == set()
