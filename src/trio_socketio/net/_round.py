"""Tasks that wait until the reactor has offered to the kernel what was queued when they came."""

from __future__ import annotations

from typing import Protocol

import trio

__all__ = ["FLUSH_SECONDS", "Rounds"]

#: The longest wait for a flush, in seconds.
FLUSH_SECONDS = 1.0


class Rounds:
    """The rounds of one reactor, and the tasks that wait for each.

    A task that comes while a round goes on waits for the next one.

    Args:
        reactor: what is flushed.
    """

    def __init__(self, reactor: Flushing) -> None:
        self._reactor = reactor
        self._waiting: set[trio.lowlevel.Task] = set()
        self._next: set[trio.lowlevel.Task] = set()

    async def wait(self) -> None:
        """Wait until each connection that is dirty now was offered to the kernel once, at most ``FLUSH_SECONDS``.

        Cancellation: ends the wait at once. The call returns, and the next checkpoint raises ``Cancelled``: what the
        caller has queued is sent in any case.
        """
        if not self._reactor.has_dirty:
            return
        if self._reactor.in_round:
            tasks = self._next
        else:
            tasks = self._waiting
            self._reactor.begin_round()
        task = trio.lowlevel.current_task()
        tasks.add(task)

        def abort(_: object) -> trio.lowlevel.Abort:
            self._waiting.discard(task)
            self._next.discard(task)
            trio.lowlevel.reschedule(task)
            return trio.lowlevel.Abort.FAILED

        with trio.move_on_after(FLUSH_SECONDS):
            await trio.lowlevel.wait_task_rescheduled(abort)

    def turned(self) -> None:
        """The reactor has made a turn: if a round has ended, its tasks go on and the next one begins."""
        while (self._waiting or self._next) and not self._reactor.in_round:
            _wake(self._waiting)
            self._waiting, self._next = self._next, self._waiting
            if self._waiting and self._reactor.has_dirty:
                self._reactor.begin_round()

    def close(self) -> None:
        """Nothing is flushed any more: all tasks go on."""
        _wake(self._waiting)
        _wake(self._next)


class Flushing(Protocol):
    """The reactor, as far as it is used here."""

    @property
    def has_dirty(self) -> bool:
        """Whether a connection has something to send."""
        ...

    @property
    def in_round(self) -> bool:
        """Whether a round goes on."""
        ...

    def begin_round(self) -> None:
        """Begin a round."""


def _wake(tasks: set[trio.lowlevel.Task]) -> None:
    while tasks:
        trio.lowlevel.reschedule(tasks.pop())
