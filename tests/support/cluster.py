"""Servers in one Trio run that a bus in memory connects, and faults of that bus."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import trio
from trio.testing import wait_all_tasks_blocked

from support.memory_bus import Hub, MemoryBus, Message
from support.wire import Wire
from trio_socketio import Server
from trio_socketio.adapters import BusAdapter, BusError, BusRefused

__all__ = ["Cluster", "FaultyBus", "Node", "cluster", "is_quiet"]


class FaultyBus(MemoryBus):
    """A bus whose faults a test switches on.

    Attributes:
        is_down: ``connect`` fails.
        is_frozen: ``publish`` never returns.
        refuses: ``publish`` raises ``BusRefused``.
        connects: how often ``connect`` was called.
        subscribed: every channel that was subscribed to, in order.
        published: every message that was published.
        double: every message is published twice.
    """

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self.is_down = self.is_frozen = self.refuses = self.double = False
        self.connects = 0
        self.subscribed: list[str] = []
        self.published: list[Message] = []

    async def connect(self) -> None:
        self.connects += 1
        if self.is_down:
            raise BusError("the bus is down")
        await super().connect()

    async def publish(self, batch: Sequence[Message]) -> None:
        if self.is_frozen:
            await trio.sleep_forever()
        if self.refuses:
            raise BusRefused("out of memory")
        self.published.extend(batch)
        for _ in range(1 + self.double):
            await super().publish(batch)

    async def subscribe(self, channels: Any) -> None:
        assert not self.channels & set(channels)
        self.subscribed.extend(channels)
        await super().subscribe(channels)


class Node:
    """One server of a cluster."""

    def __init__(self, io: Server, adapter: BusAdapter, bus: FaultyBus, wire: Wire) -> None:
        self.io, self.adapter, self.bus, self.wire = io, adapter, bus, wire

    def inject(self, payload: bytes, channel: str = "socket.io#/#") -> None:
        """Let the bus deliver a message."""
        self.bus.take((channel, payload))

    @property
    def rejected(self) -> dict[str, int]:
        return dict(self.adapter.health().rejected)


class Cluster:
    """The servers of a test.

    Attributes:
        hub: the hub of their buses.
        nodes: the servers.
    """

    def __init__(self, stack: AsyncExitStack, nursery: trio.Nursery) -> None:
        self.hub = Hub()
        self.nodes: list[Node] = []
        self._stack, self._nursery = stack, nursery

    async def add(
        self,
        prepare: Callable[[Node], None] | None = None,
        *,
        server: Any = None,
        faults: Any = None,
        **options: Any,
    ) -> Node:
        """Start a server.

        Args:
            prepare: called before the server runs.
            server: the options of the server.
            faults: attributes of its bus.
            **options: the options of its adapter.
        """
        bus = FaultyBus(self.hub)
        for name, value in (faults or {}).items():
            setattr(bus, name, value)
        adapter = BusAdapter(bus, **options)
        io = Server(adapter=adapter, **(server or {}))
        io.on("ping", lambda socket: "pong")
        node = Node(io, adapter, bus, Wire(io, self._nursery))
        if prepare is not None:
            prepare(node)
        await self._stack.enter_async_context(io)
        self._stack.push_async_callback(node.wire.aclose)
        self.nodes.append(node)
        await wait_all_tasks_blocked()
        return node


@asynccontextmanager
async def cluster(size: int = 0, **options: Any) -> AsyncIterator[Cluster]:
    """Run servers that are connected to each other."""
    async with trio.open_nursery() as nursery:
        async with AsyncExitStack() as stack:
            servers = Cluster(stack, nursery)
            for _ in range(size):
                await servers.add(**options)
            yield servers
        nursery.cancel_scope.cancel()


async def is_quiet(client: Any) -> bool:
    """Return whether the client has no message left, because the next one is the acknowledgement of this call."""
    return bool(await client.call("ping", ack=99) == ["pong"])
