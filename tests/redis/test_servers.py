"""Servers that real Redis connects: events between them, and an outage."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import trio
from support.redis_server import RedisServer

from trio_socketio import Server
from trio_socketio.adapters import AdapterState, Bus, BusAdapter
from trio_socketio.adapters.redis import PubSubBus, ShardedBus

pytestmark = pytest.mark.rows("I10", "I19")

BUSES: list[Callable[[str], Bus]] = [PubSubBus, ShardedBus]


class Node:
    """A server, and its states so far."""

    def __init__(self, bus: Bus, name: str) -> None:
        self.io = Server(adapter=BusAdapter(bus))
        self.states: list[AdapterState] = []
        self._changed = trio.Event()
        self.io.on_adapter_state(self._note)
        self.io.on_server("who")(lambda: name)

    def _note(self, state: AdapterState) -> None:
        self.states.append(state)
        self._changed.set()
        self._changed = trio.Event()

    async def reach(self, *states: AdapterState) -> None:
        """Wait for states, one after the other."""
        for state in states:
            while state not in self.states:
                await self._changed.wait()
            del self.states[: self.states.index(state) + 1]


@asynccontextmanager
async def nodes(redis: RedisServer, make: Callable[[str], Bus]) -> AsyncIterator[tuple[Node, Node]]:
    one, other = Node(make(redis.url), "one"), Node(make(redis.url), "other")
    async with AsyncExitStack() as stack:
        for node in (one, other):
            await stack.enter_async_context(node.io)
            await node.reach(AdapterState.UP)
        yield one, other


@pytest.mark.parametrize("make", BUSES)
async def test_servers_answer_each_other(own_redis: RedisServer, make: Callable[[str], Bus]) -> None:
    async with nodes(own_redis, make) as (one, other):
        assert await one.io.server_side_call("who") == ["other"]
        assert await other.io.server_side_call("who") == ["one"]


@pytest.mark.parametrize("make", BUSES)
async def test_servers_meet_again_after_an_outage(own_redis: RedisServer, make: Callable[[str], Bus]) -> None:
    async with nodes(own_redis, make) as (one, other):
        own_redis.kill()
        for node in (one, other):
            await node.reach(AdapterState.DEGRADED)
            await node.io.emit("during the outage", 1)  # local clients get it, and the caller does not wait
        await trio.to_thread.run_sync(own_redis.start, own_redis.port)
        for node in (one, other):
            await node.reach(AdapterState.UP)
        assert await one.io.server_side_call("who") == ["other"]
        assert one.io.health().adapter.gaps == 1
        kind = "SHARDNUMSUB" if make is ShardedBus else "NUMSUB"
        assert own_redis.command("PUBSUB", kind, "socket.io#/#") == [b"socket.io#/#", 2]
