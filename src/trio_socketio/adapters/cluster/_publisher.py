"""Publishes the queued messages on a connected bus."""

from __future__ import annotations

from collections.abc import Callable

import trio

from trio_socketio.adapters.cluster._bus import Bus, BusMoved, BusRefused
from trio_socketio.adapters.cluster._counters import Counters
from trio_socketio.adapters.cluster._queue import Outgoing, PublishQueue

__all__ = ["Publisher"]

#: A deadline is set this many times later than necessary. So it fits several batches, because setting one takes as long
#: as publishing four messages.
SLACK = 1.1


class Publisher:
    """Publishes one batch after the other, and counts what the bus has taken, has refused, or may have lost.

    A batch that the bus has certainly not taken when the link ends is the first one of the next link.

    Args:
        queue: the messages to publish.
        counters: counts them.
        timeout: how long one batch may take, in seconds, unless ``Bus.publish_timeout`` is less. It may take up to a
            tenth longer.
        published: called after each batch: with None, or with the error of a bus that has refused messages.
    """

    def __init__(
        self,
        queue: PublishQueue,
        counters: Counters,
        timeout: float,
        published: Callable[[BusRefused | None], None],
    ) -> None:
        self._queue, self._counters = queue, counters
        self._timeout = timeout
        self._published = published
        self._kept: list[Outgoing] = []

    async def run(self, bus: Bus) -> None:
        """Publish until cancelled.

        Raises:
            OSError: the link is lost.
            trio.TooSlowError: the bus did not take a batch in time.
        """
        timeout = min(self._timeout, bus.publish_timeout)
        batch = self._kept or await self._queue.take()
        while True:
            with trio.CancelScope(deadline=trio.current_time() + SLACK * timeout) as scope:
                while trio.current_time() + timeout <= scope.deadline:
                    await self._publish(bus, batch)
                    batch = []
                    batch = await self._queue.take()
            if scope.cancelled_caught:
                if batch:
                    raise trio.TooSlowError(f"the bus has not taken messages within {timeout:g} s")
                batch = await self._queue.take()

    async def _publish(self, bus: Bus, batch: list[Outgoing]) -> None:
        refusal: BusRefused | None = None
        refused = 0
        is_known = False
        self._kept = []
        try:
            try:
                await bus.publish(batch)
            except BusRefused as error:
                refusal = error
                refused = len(batch) if error.count is None else error.count
            is_known = True
        except BusMoved as error:
            if error.count == len(batch):
                self._kept = batch
            raise
        finally:
            if is_known:
                self._counters.dropped += refused
                self._counters.published += len(batch) - refused
            elif not self._kept:
                self._counters.unconfirmed += len(batch)
            if not self._kept:
                self._queue.finish(batch)
        self._published(refusal)

    def abandon(self) -> None:
        """Drop and count a batch that was to be published on the next link."""
        batch, self._kept = self._kept, []
        self._counters.dropped += len(batch)
        self._queue.finish(batch)
