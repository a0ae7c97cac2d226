"""The interface of a bus: what connects the servers of a cluster."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from math import inf

import trio

__all__ = ["Bus", "BusError", "BusMoved", "BusRefused"]


class BusError(OSError):
    """The link to the bus is lost, or must be renewed. What the failing call was to do may or may not be done."""


class BusRefused(BusError):
    """The bus has not taken messages of the batch, and the link still works. An example is a store without memory.

    Args:
        reason: why.
        count: how many messages were not taken; None: all of them.
    """

    def __init__(self, reason: str, count: int | None = None) -> None:
        super().__init__(reason)
        self.count = count


class BusMoved(BusError):
    """The bus has not taken messages of the batch, and the link must be renewed. An example is a read-only store.

    If no message of the batch was taken, the batch is published again on the next link.

    Args:
        reason: why.
        count: how many messages were not taken.
    """

    def __init__(self, reason: str, count: int) -> None:
        super().__init__(reason)
        self.count = count


class Bus(ABC):
    """Publishes messages to channels, and receives those of subscribed channels. Channels are text, messages bytes.

    A bus needs no queue, no task and no logic for failures: ``Cluster`` calls ``connect`` again after each failure,
    waits longer between failed attempts, remembers subscriptions, and drops messages of its own that come back. Each
    method may raise ``BusError`` or another ``OSError``, which means that the link is lost.

    ``receive``, ``publish``, ``check``, and ``subscribe`` with ``unsubscribe`` are called from four tasks, each by one
    at a time. ``count`` is called from any task. ``connect`` and ``aclose`` are called when none of the four tasks
    runs. Every method may be cancelled; except for ``count``, the link is renewed then.

    Attributes:
        max_publish_bytes: the largest message, in bytes. Emits of larger ones are refused.
        counts_subscribers: whether ``count`` works. Then there are no heartbeats: the servers of a namespace are the
            subscribers of its channel.
        keeps_history: whether messages that come while there is no link are received after the next ``connect``.
        publish_timeout: how long ``publish`` may take, in seconds, if that is less than the adapter's ``link_timeout``.
        check_interval: how often ``check`` is called, in seconds; None: never.
    """

    max_publish_bytes: int = 1_000_000
    counts_subscribers: bool = False
    keeps_history: bool = False
    publish_timeout: float = inf
    check_interval: float | None = None

    @abstractmethod
    async def connect(self) -> None:
        """Make the link, or make it again. All subscriptions are gone then."""

    @abstractmethod
    async def publish(self, batch: Sequence[tuple[str, bytes]]) -> None:
        """Publish messages, pairs of channel and content, in this order, and wait until the bus has taken them.

        Raises:
            BusRefused: some messages or all were not taken, and the link still works.
            BusMoved: some messages or all were not taken, and the link must be renewed.
        """

    @abstractmethod
    async def subscribe(self, channels: Collection[str]) -> None:
        """Subscribe to channels, and wait until the subscriptions are in force."""

    @abstractmethod
    async def unsubscribe(self, channels: Collection[str]) -> None:
        """Unsubscribe from channels."""

    @abstractmethod
    async def receive(self) -> Sequence[tuple[str, bytes]]:
        """Wait for messages of subscribed channels, and return at least one, in the order of their publishing.

        Each call is a checkpoint, also if there are messages already, because other tasks run only then.

        What the server does not receive in time must be bounded: a bus that cannot hold more raises ``BusError``, and
        the link is renewed.
        """

    async def count(self, channel: str) -> int:
        """Return the number of subscribers of a channel, if ``counts_subscribers``."""
        raise NotImplementedError(f"{type(self).__name__} counts no subscribers: {channel}")

    async def check(self) -> None:
        """Find out whether what is published still reaches the other servers, if ``check_interval`` is not None.

        Raises:
            BusError: it does not, although the link works. The link is renewed then.
        """
        await trio.lowlevel.checkpoint()

    @abstractmethod
    async def aclose(self) -> None:
        """Close the link. It is called after each failure and at the end, also if there is no link."""
