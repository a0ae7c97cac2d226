"""A bus for servers in one Trio run."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import trio

from trio_socketio.adapters import Bus, BusError

Message = tuple[str, bytes]


class Hub:
    """Passes messages on between the buses that are connected to it."""

    def __init__(self) -> None:
        self.buses: set[MemoryBus] = set()


class MemoryBus(Bus):
    """The bus of one server."""

    max_publish_bytes = 100_000

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.channels: set[str] = set()

    async def connect(self) -> None:
        await trio.lowlevel.checkpoint()
        self.send_end, self.receive_end = trio.open_memory_channel(max_buffer_size=1000)
        self.channels.clear()
        self.hub.buses.add(self)

    async def publish(self, batch: Sequence[Message]) -> None:
        await trio.lowlevel.checkpoint()
        for message in batch:
            for bus in list(self.hub.buses):
                bus.take(message)

    def take(self, message: Message) -> None:
        """Keep a message for ``receive``. Cut the link if too many wait, so that the loss is noticed."""
        if message[0] in self.channels:
            try:
                self.send_end.send_nowait(message)
            except trio.WouldBlock:
                self.cut()

    def cut(self) -> None:
        self.hub.buses.discard(self)
        self.send_end.close()

    async def subscribe(self, channels: Collection[str]) -> None:
        await trio.lowlevel.checkpoint()
        self.channels.update(channels)

    async def unsubscribe(self, channels: Collection[str]) -> None:
        await trio.lowlevel.checkpoint()
        self.channels.difference_update(channels)

    async def receive(self) -> Sequence[Message]:
        try:
            return [await self.receive_end.receive()]
        except trio.EndOfChannel:
            raise BusError("messages were lost") from None

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
        self.hub.buses.discard(self)
