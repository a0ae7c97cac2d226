"""Disconnect clients whose outboxes are full, many of them without blocking the others."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

import trio

from trio_socketio.engineio import Session

__all__ = ["OverflowedPeers", "Overflowing"]

#: How long clients with overflowing outboxes are disconnected in a row, in seconds, before other tasks run. Then their
#: disconnect handlers begin, which takes about as long: together 10 ms.
OVERFLOW_SLICE = 0.005


class Overflowing(Protocol):
    """A peer whose outbox is full."""

    @property
    def session(self) -> Session:
        """The session."""
        ...

    def overflow(self) -> None:
        """Disconnect the client."""


class OverflowedPeers:
    """The peers that will be disconnected because their full outbox has refused a message.

    Args:
        spawn: starts a task that the server's stop waits for.
    """

    def __init__(self, spawn: Callable[..., None]) -> None:
        self._spawn = spawn
        self._waiting: deque[Overflowing] = deque()
        self._has_task = False

    def disconnect(self, peers: Iterable[Overflowing]) -> None:
        """Disconnect clients whose full outbox has refused a message that can neither wait nor be dropped.

        The clients are disconnected in the given order. After ``OVERFLOW_SLICE`` a task continues, so that many clients
        that overflow together do not block the others. Their outboxes accept no messages meanwhile.
        """
        for peer in peers:
            peer.session.link.close_outbox()
            self._waiting.append(peer)
        if not self._has_task and self._disconnect_slice():
            self._has_task = True
            self._spawn(self._disconnect_all, name="outboxes that overflowed")

    def _disconnect_slice(self) -> bool:
        """Disconnect peers for at most ``OVERFLOW_SLICE``. Return whether any are left."""
        end = time.perf_counter() + OVERFLOW_SLICE
        while self._waiting:
            self._waiting.popleft().overflow()
            if time.perf_counter() > end:
                break
        return bool(self._waiting)

    async def _disconnect_all(self) -> None:
        try:
            await trio.lowlevel.checkpoint()
            while self._disconnect_slice():
                await trio.lowlevel.checkpoint()
        finally:
            self._has_task = False
