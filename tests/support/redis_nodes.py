"""Servers in one Trio run that Redis connects."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import trio

from support.wire import Wire
from trio_socketio import Server
from trio_socketio.adapters.cluster import Cluster
from trio_socketio.adapters.redis import PubSubBus

__all__ = ["Node", "listener", "nodes"]


class Node:
    """One server of a cluster."""

    def __init__(self, adapter: Cluster, nursery: trio.Nursery) -> None:
        self.adapter = adapter
        self.io = Server(adapter=adapter)
        self.wire = Wire(self.io, nursery)

    @property
    def rejected(self) -> dict[str, int]:
        return dict(self.adapter.health().rejected)

    async def subscribed(self) -> None:
        """Wait until all channels that are wanted now are subscribed to."""
        event = trio.Event()
        self.adapter.subscribe(uuid.uuid4().hex, lambda channel, payload: None, event.set)
        await event.wait()

    async def join(self, *rooms: str, namespace: str = "/") -> Any:
        """Connect a client whose socket joins rooms."""
        client = await self.wire.connect(namespace)
        self.io.of(namespace).sockets[client.sids[namespace]].join(*rooms)
        return client


@asynccontextmanager
async def nodes(
    *adapters: Cluster, prepare: Callable[[Node], object] = lambda node: None
) -> AsyncIterator[list[Node]]:
    """Run servers until the block ends. At its beginning they all receive.

    Args:
        *adapters: the adapter of each server.
        prepare: called with each server before it runs.
    """
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery, AsyncExitStack() as stack:
            running = [Node(adapter, nursery) for adapter in adapters]
            for node in running:
                prepare(node)
                await stack.enter_async_context(node.io)
                stack.push_async_callback(node.wire.aclose)
                await node.adapter.ready()
            yield running
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def listener(url: str, *channels: str) -> AsyncIterator[trio.MemoryReceiveChannel[tuple[str, bytes]]]:
    """Receive all messages of channels, as another program would."""
    bus = PubSubBus(url)
    send, receive = trio.open_memory_channel[tuple[str, bytes]](1000)

    async def listen() -> None:
        while True:
            for message in await bus.receive():
                send.send_nowait(message)

    await bus.connect()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        await bus.subscribe(channels)
        yield receive
        nursery.cancel_scope.cancel()
    await bus.aclose()
    send.close()
    receive.close()
