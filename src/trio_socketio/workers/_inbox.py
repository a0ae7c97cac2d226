"""The messages of other workers that wait for the adapter, and what has happened between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import trio

from trio_socketio._signal import Signal
from trio_socketio.adapters import BusError
from trio_socketio.workers._batch import BusMessage

__all__ = ["Came", "Gap", "Gone", "Inbox"]

#: How many bytes of messages may wait, and how many each message counts more than its content.
INBOX_BYTES, OVERHEAD_BYTES = 16_777_216, 128

#: How many messages ``receive`` returns at once.
MESSAGES_AT_ONCE = 256


class Came(NamedTuple):
    """A worker has joined, or has a new name."""

    name: str


class Gone(NamedTuple):
    """The worker with this name has ended, or has another name."""

    name: str


class Gap(NamedTuple):
    """Messages were lost."""

    reason: str


class Inbox:
    """A bounded queue of messages. It keeps their order with the beginning and end of the workers that sent them.

    Attributes:
        channels: the channels whose messages are kept; None: the adapter does not run, and nothing is kept.
    """

    def __init__(self) -> None:
        self.channels: set[str] | None = None
        self._items: deque[BusMessage | Came | Gone | Gap] = deque()
        self._bytes = 0
        self._arrived = Signal()

    def put(self, messages: list[BusMessage]) -> None:
        """Append messages. Those for which there is no room are lost, which is noted as a gap."""
        if self.channels is None:
            return
        for message in messages:
            if message[0] not in self.channels:
                continue
            size = len(message[1]) + OVERHEAD_BYTES
            if self._bytes + size <= INBOX_BYTES:
                self._bytes += size
                self._items.append(message)
            elif not isinstance(self._items[-1], Gap):
                self._items.append(Gap("messages of other workers were lost: this one could not keep up"))
        if self._items:
            self._arrived.set()

    def note(self, item: Came | Gone | Gap) -> None:
        """Append what has happened to a worker."""
        if self.channels is not None:
            self._items.append(item)
            self._arrived.set()

    async def receive(self, came: Callable[[str], None], gone: Callable[[str], None]) -> list[BusMessage]:
        """Wait for messages, and return at least one.

        Args:
            came: called with the name of a worker that has joined, before later messages of it are returned.
            gone: called with the name of a worker that has ended, after all its messages were returned.

        Raises:
            BusError: messages of other workers were lost.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        messages: list[BusMessage] = []
        while not messages:
            while not self._items:
                await self._arrived.wait()
            messages = self._next(came, gone)
        return messages

    def _next(self, came: Callable[[str], None], gone: Callable[[str], None]) -> list[BusMessage]:
        messages: list[BusMessage] = []
        while self._items and len(messages) < MESSAGES_AT_ONCE:
            item = self._items[0]
            if messages and isinstance(item, Came | Gone | Gap):
                break
            self._items.popleft()
            if isinstance(item, Came):
                came(item.name)
            elif isinstance(item, Gone):
                gone(item.name)
            elif isinstance(item, Gap):
                raise BusError(item.reason)
            else:
                self._bytes -= len(item[1]) + OVERHEAD_BYTES
                messages.append(item)
        return messages
