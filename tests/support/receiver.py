"""A bus in use: connected, with a task that receives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import trio

from trio_socketio.adapters import Bus

__all__ = ["Receiver", "connected"]


class Receiver:
    """A task that receives, and keeps what it has received."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.messages: list[tuple[str, bytes]] = []
        self._arrived = trio.Event()

    async def run(self) -> None:
        while True:
            self.messages += await self.bus.receive()
            self._arrived.set()
            self._arrived = trio.Event()

    async def wait(self, count: int) -> Sequence[tuple[str, bytes]]:
        while len(self.messages) < count:
            await self._arrived.wait()
        return self.messages


@asynccontextmanager
async def connected(bus: Bus) -> AsyncIterator[Receiver]:
    await bus.connect()
    try:
        async with trio.open_nursery() as nursery:
            receiver = Receiver(bus)
            nursery.start_soon(receiver.run)
            yield receiver
            nursery.cancel_scope.cancel()
    finally:
        with trio.CancelScope(shield=True):
            await bus.aclose()
