"""The time that disconnect handlers have after their sockets have ended."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import trio

__all__ = ["Grace"]


class Grace:
    """Limits the work that goes on after sockets have ended. When the server stops, all this work shares one deadline.

    Args:
        timeout: the option ``disconnect_timeout``, in seconds.

    Attributes:
        deadline: when the grace of the stop ends; infinity while the server runs.
        handlers_cut: how many sockets had disconnect handlers cancelled by ``cut_short``.
        is_cut_short: whether ``cut_short`` was called.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._scopes: set[trio.CancelScope] = set()
        self.deadline = math.inf
        self.handlers_cut = 0
        self.is_cut_short = False

    def begin_stop(self, now: float) -> None:
        """Let the grace of the stop begin, if it has not begun."""
        self.deadline = min(self.deadline, now + self._timeout)

    @contextmanager
    def scope(self) -> Iterator[trio.CancelScope]:
        """Open a shielded scope for work that goes on after its socket has ended.

        The scope is cancelled after ``disconnect_timeout``, or when the grace of a stop ends.
        """
        deadline = min(self.deadline, trio.current_time() + self._timeout)
        with trio.CancelScope(shield=True, deadline=deadline) as scope:
            self._scopes.add(scope)
            try:
                yield scope
            finally:
                self._scopes.discard(scope)

    @contextmanager
    def disconnecting(self) -> Iterator[None]:
        """Open a ``scope`` for the disconnect handlers of a socket, and count it if the stop is cut short."""
        with self.scope() as scope:
            yield
        if scope.cancelled_caught and self.is_cut_short:
            self.handlers_cut += 1

    def cut_short(self) -> None:
        """End the grace of a stop now."""
        self.is_cut_short = True
        self.deadline = min(self.deadline, trio.current_time())
        for scope in self._scopes:
            scope.cancel()
