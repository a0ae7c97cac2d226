"""How many servers a cluster has. After an outage, publishing waits until as many are there again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from trio_socketio.adapters.cluster._bus import BusRefused

__all__ = ["Census"]

#: How often the servers are counted while there is a link, in seconds.
INTERVAL = 5.0

#: How long publishing waits for servers that were there before the outage, in seconds. Links are made again within this
#: time of each other; a server that does not come back has ended.
LONGEST_WAIT = 5.0

#: How often the servers are counted while publishing waits, in seconds.
WAITING_INTERVAL = 0.1


class Census:
    """Counts the servers of a cluster.

    The links of all servers break when the store between them ends, and come back one after the other. What the first
    of them published at once, the others would miss.

    Args:
        count: returns how many servers have a link. It raises ``OSError`` if this one has none.
    """

    def __init__(self, count: Callable[[], Awaitable[int]]) -> None:
        self._count = count
        self._servers = 0

    async def watch(self) -> None:
        """Count the servers from time to time, until cancelled.

        Raises:
            OSError: the link is lost.
        """
        while True:
            await trio.sleep(INTERVAL)
            self._servers = await self._look()

    async def complete(self) -> None:
        """Wait until there are as many servers as before the outage, for at most ``LONGEST_WAIT``.

        Raises:
            OSError: the link is lost.
        """
        found = 0
        with trio.move_on_after(LONGEST_WAIT):
            while (found := await self._look()) < self._servers:  # noqa: ASYNC110 # no bus tells that it changes
                await trio.sleep(WAITING_INTERVAL)
        self._servers = found

    async def _look(self) -> int:
        try:
            return await self._count()
        except BusRefused:  # the store does not let this server count
            await trio.lowlevel.checkpoint()
            return self._servers
