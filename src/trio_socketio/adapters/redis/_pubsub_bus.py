"""The bus over PUBLISH and SUBSCRIBE."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import trio

from trio_socketio.adapters.redis._commands import Commands
from trio_socketio.adapters.redis._node import Node, link_of
from trio_socketio.adapters.redis._redis_bus import RedisBus, channel_bytes, count_on, publish_on
from trio_socketio.adapters.redis._url import Address, Deployment

__all__ = ["PubSubBus"]

#: The characters that have a meaning in patterns.
SPECIAL = re.compile(rb"([*?\[\]\\])")


class PubSubBus(RedisBus):
    """Publishes with PUBLISH and subscribes with SUBSCRIBE; see ``RedisBus`` for the arguments.

    A channel that ends with ``*`` subscribes to all channels that begin with the text before it. ``receive`` returns
    their messages under the name that was subscribed to. All nodes of a Redis cluster pass each message on, so one of
    them is enough to publish and receive. Subscribers are counted on all nodes.
    """

    _node: Node | None = None

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(url, **options)
        self._others: dict[Address, Commands | None] = {}
        self._counting = trio.Lock()

    async def connect(self) -> None:
        """See ``Bus.connect``."""
        await self.aclose()
        address, commands = await self.servers.primary()
        self._node = Node(commands)
        self._node.subscriber = await self.dialer.subscriber(address)
        if self.url.deployment is Deployment.CLUSTER:
            self._others = dict.fromkeys((await self.servers.cluster()).nodes - {address})

    async def publish(self, batch: Sequence[tuple[str, bytes]]) -> None:
        """See ``Bus.publish``."""
        await publish_on(link_of(self._node).commands, b"PUBLISH", batch)

    async def subscribe(self, channels: Collection[str]) -> None:
        """See ``Bus.subscribe``."""
        subscriber = link_of(self._node).subscriber
        names, patterns = _parted(channels)
        await subscriber.subscribe(b"SUBSCRIBE", names)
        await subscriber.subscribe(b"PSUBSCRIBE", patterns)

    async def unsubscribe(self, channels: Collection[str]) -> None:
        """See ``Bus.unsubscribe``."""
        subscriber = link_of(self._node).subscriber
        names, patterns = _parted(channels)
        await subscriber.unsubscribe(b"UNSUBSCRIBE", names)
        await subscriber.unsubscribe(b"PUNSUBSCRIBE", patterns)

    async def receive(self) -> Sequence[tuple[str, bytes]]:
        """See ``Bus.receive``."""
        return await link_of(self._node).subscriber.receive(self.own_prefixes)

    async def count(self, channel: str) -> int:
        """See ``Bus.count``."""
        total = await count_on(link_of(self._node).commands, b"NUMSUB", channel)
        if self._others:
            async with self._counting:
                for address in list(self._others):
                    total += await self._count_at(address, channel)
        return total

    async def _count_at(self, address: Address, channel: str) -> int:
        """Count subscribers on another node of the cluster. A node that cannot be reached has none."""
        others = self._others
        commands = others.get(address)
        try:
            if commands is None or commands.connection.failure is not None:
                if commands is not None:
                    await commands.connection.aclose()
                commands = others[address] = await self.dialer.commands(address)
                if others is not self._others:  # the bus was closed meanwhile
                    await commands.connection.aclose()
            return await count_on(commands, b"NUMSUB", channel)
        except OSError:
            return 0

    async def check(self) -> None:
        """See ``Bus.check``: whether the server is there, and still is a master."""
        node = link_of(self._node)
        await node.subscriber.check()
        await self.servers.check(node.commands)

    async def aclose(self) -> None:
        """See ``Bus.aclose``."""
        node, others = self._node, self._others
        self._node, self._others = None, {}
        if node is not None:
            await node.aclose()
        for commands in others.values():
            if commands is not None:
                await commands.connection.aclose()


def _parted(channels: Iterable[str]) -> tuple[dict[bytes, str], dict[bytes, str]]:
    """Return the names of single channels, and the patterns of those that end with ``*``."""
    names: dict[bytes, str] = {}
    patterns: dict[bytes, str] = {}
    for channel in channels:
        if channel.endswith("*"):
            patterns[SPECIAL.sub(rb"\\\1", channel_bytes(channel[:-1])) + b"*"] = channel
        else:
            names[channel_bytes(channel)] = channel
    return names, patterns
