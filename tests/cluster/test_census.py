"""How long publishing waits after an outage for servers that were there before it."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from trio_socketio.adapters import BusError, BusRefused
from trio_socketio.adapters.cluster._census import Census

pytestmark = pytest.mark.rows("G01")


class Store:
    """Counts as the test says."""

    def __init__(self, servers: int) -> None:
        self.servers: int | OSError = servers
        self.census = Census(self.count)

    async def count(self) -> int:
        await trio.lowlevel.checkpoint()
        if isinstance(self.servers, OSError):
            raise self.servers
        return self.servers

    async def waits(self) -> float:
        began = trio.current_time()
        await self.census.complete()
        return trio.current_time() - began


async def test_first_link_waits_for_no_server(autojump_clock: Any) -> None:
    assert await Store(1).waits() == 0


async def test_server_that_does_not_come_back_is_waited_for_once(autojump_clock: Any) -> None:
    store = Store(3)
    await store.waits()
    store.servers = 2
    assert await store.waits() == pytest.approx(5)
    assert await store.waits() == 0


async def test_link_that_is_lost_while_servers_come_back_waits_for_them_again(autojump_clock: Any) -> None:
    store = Store(3)
    await store.waits()
    store.servers = 1
    with trio.move_on_after(1):
        await store.waits()
    store.servers = BusError("lost")
    with pytest.raises(BusError):
        await store.waits()
    store.servers = 2
    assert await store.waits() == pytest.approx(5)


async def test_servers_that_join_or_leave_while_there_is_a_link_are_noticed(autojump_clock: Any) -> None:
    store = Store(1)
    await store.waits()
    store.servers = 3
    with trio.move_on_after(6):
        await store.census.watch()
    store.servers = 2
    assert await store.waits() == pytest.approx(5)


async def test_store_that_does_not_let_this_server_count_is_not_waited_for(autojump_clock: Any) -> None:
    store = Store(3)
    await store.waits()
    store.servers = BusRefused("no permission")
    assert await store.waits() == 0
