"""The bus over SPUBLISH and SSUBSCRIBE, on one server of Redis 7 or on a cluster."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import trio

from trio_socketio.adapters.cluster import BusError, BusRefused
from trio_socketio.adapters.redis._cluster_map import ClusterMap
from trio_socketio.adapters.redis._node import Node, link_of
from trio_socketio.adapters.redis._redis_bus import RedisBus, channel_bytes, count_on, publish_on, raise_all
from trio_socketio.adapters.redis._url import Address, Deployment

__all__ = ["ShardedBus"]


class ShardedBus(RedisBus):
    """Publishes with SPUBLISH and subscribes with SSUBSCRIBE; see ``RedisBus`` for the arguments.

    In a cluster each channel belongs to one node, and there are two connections to each. When a slot moves to another
    node, the link is renewed with the new map of the cluster.
    """

    _map: ClusterMap | None = None

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(url, **options)
        self._nodes: dict[Address, Node] = {}

    async def connect(self) -> None:
        """See ``Bus.connect``."""
        await self.aclose()
        if self.url.deployment is Deployment.CLUSTER:
            self._map = await self.servers.cluster()
            for address in dict.fromkeys(self._map.masters):
                self._nodes[address] = Node(await self.dialer.commands(address))
        else:
            address, commands = await self.servers.primary()
            self._nodes[address] = Node(commands)
        for address, node in self._nodes.items():
            node.subscriber = await self.dialer.subscriber(address)

    def _node_of(self, channel: bytes) -> Node:
        if self._map is not None:
            return link_of(self._nodes.get(self._map.master_of(channel)))
        return link_of(next(iter(self._nodes.values()), None))

    def _by_node(self, channels: Iterable[str]) -> dict[Node, dict[bytes, str]]:
        parts: dict[Node, dict[bytes, str]] = {}
        for channel in channels:
            name = channel_bytes(channel)
            parts.setdefault(self._node_of(name), {})[name] = channel
        return parts

    async def publish(self, batch: Sequence[tuple[str, bytes]]) -> None:
        """See ``Bus.publish``. The order is kept on each node."""
        parts: dict[Node, list[tuple[str, bytes]]] = {}
        for item in batch:
            parts.setdefault(self._node_of(channel_bytes(item[0])), []).append(item)
        refusals: list[BusRefused] = []
        for node, part in parts.items():
            try:
                await publish_on(node.commands, b"SPUBLISH", part)
            except BusRefused as error:
                refusals.append(error)
        raise_all(refusals)

    async def subscribe(self, channels: Collection[str]) -> None:
        """See ``Bus.subscribe``."""
        for node, names in self._by_node(channels).items():
            await node.subscriber.subscribe(b"SSUBSCRIBE", names, at_once=self._map is None)

    async def unsubscribe(self, channels: Collection[str]) -> None:
        """See ``Bus.unsubscribe``."""
        for node, names in self._by_node(channels).items():
            await node.subscriber.unsubscribe(b"SUNSUBSCRIBE", names, at_once=self._map is None)

    async def receive(self) -> Sequence[tuple[str, bytes]]:
        """See ``Bus.receive``."""
        if len(self._nodes) == 1:
            return await self._node_of(b"").subscriber.receive(self.own_prefixes)
        return await self._receive_from_any()

    async def _receive_from_any(self) -> Sequence[tuple[str, bytes]]:
        messages: list[tuple[str, bytes]] = []
        failures: list[BusError] = []

        async def receive_from(node: Node) -> None:
            try:
                messages.extend(await node.subscriber.receive(self.own_prefixes))
            except BusError as error:
                failures.append(error)
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            for node in self._nodes.values():
                nursery.start_soon(receive_from, node)
        if messages:
            return messages
        raise failures[0] if failures else BusError("there is no connection to Redis")

    async def count(self, channel: str) -> int:
        """See ``Bus.count``."""
        return await count_on(self._node_of(channel_bytes(channel)).commands, b"SHARDNUMSUB", channel)

    async def check(self) -> None:
        """See ``Bus.check``: whether the servers are there, and still are masters."""
        for node in list(self._nodes.values()):
            await node.subscriber.check()
        await self.servers.check(self._node_of(b"").commands)

    async def aclose(self) -> None:
        """See ``Bus.aclose``."""
        nodes = list(self._nodes.values())
        self._nodes.clear()
        self._map = None
        for node in nodes:
            await node.aclose()
