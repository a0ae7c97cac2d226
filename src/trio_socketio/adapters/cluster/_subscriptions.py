"""The channels that a server wants to receive, and the task that subscribes to them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

import trio

from trio_socketio._signal import Signal
from trio_socketio.adapters.cluster._bus import Bus

__all__ = ["Receive", "Subscriptions"]

#: Takes a channel and a message that was received from it.
Receive = Callable[[str, bytes], None]

#: How many channels one call subscribes to.
CHANNELS_AT_ONCE = 1000


class Subscription(NamedTuple):
    """The function that takes the messages of a channel, and one that is called when the channel is subscribed to."""

    receive: Receive
    subscribed: Callable[[], None] | None


class Subscriptions:
    """The wanted channels. They are subscribed to again after each ``connect`` of the bus.

    Changes are collected: a channel that is added and removed again meanwhile costs nothing.
    """

    def __init__(self) -> None:
        self._wanted: dict[str, Subscription] = {}
        self._current: set[str] = set()
        self._changed: dict[str, None] = {}
        self._signal = Signal()

    def __len__(self) -> int:
        return len(self._wanted)

    def add(self, channel: str, receive: Receive, subscribed: Callable[[], None] | None = None) -> None:
        """Subscribe to a channel, and keep it subscribed.

        Args:
            channel: the channel.
            receive: takes its messages. It is a plain function.
            subscribed: called each time when the channel is subscribed to, also after a renewal of the link.
        """
        self._wanted[channel] = Subscription(receive, subscribed)
        self._note(channel)

    def remove(self, channel: str) -> None:
        """Unsubscribe from a channel. Nothing happens if it was not added."""
        if self._wanted.pop(channel, None) is not None:
            self._note(channel)

    def _note(self, channel: str) -> None:
        self._changed[channel] = None
        self._signal.set()

    def receiver(self, channel: str) -> Receive | None:
        """Return the function that takes the messages of a channel; None if the channel is not wanted."""
        subscription = self._wanted.get(channel)
        return None if subscription is None else subscription[0]

    async def keep(self, bus: Bus, timeout: float, done: Callable[[], None]) -> None:
        """Subscribe to all wanted channels on a new link, then follow the changes until cancelled.

        Args:
            bus: the bus, which has just connected.
            timeout: how long one call of the bus may take, in seconds.
            done: called when all channels are subscribed to, also after each change.

        Raises:
            OSError: the link is lost.
            trio.TooSlowError: the bus did not answer in time.
        """
        self._current.clear()
        self._changed = dict.fromkeys(self._wanted)
        while True:
            while self._changed:
                await self._follow(bus, timeout)
            done()
            await self._signal.wait()

    async def _follow(self, bus: Bus, timeout: float) -> None:
        changed = list(islice(self._changed, CHANNELS_AT_ONCE))
        for channel in changed:
            del self._changed[channel]
        added = [item for item in changed if item in self._wanted and item not in self._current]
        removed = [item for item in changed if item not in self._wanted and item in self._current]
        with trio.fail_after(timeout):
            if added:
                await bus.subscribe(added)
                self._current.update(added)
            if removed:
                await bus.unsubscribe(removed)
                self._current.difference_update(removed)
        for channel in added:
            subscription = self._wanted.get(channel)
            if subscription is not None and subscription.subscribed is not None:
                subscription.subscribed()
