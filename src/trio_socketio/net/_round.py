"""Lets tasks wait until the reactor has offered to the kernel all output that was queued when they began to wait."""

from __future__ import annotations

from typing import Protocol

import trio

__all__ = ["FLUSH_SECONDS", "Rounds"]

#: The longest wait for a flush, in seconds.
FLUSH_SECONDS = 1.0


class Rounds:
    """The rounds of one reactor, and the tasks that wait for each.

    In a round, the output of each dirty connection is offered to the kernel once. A task that begins to wait during a
    round waits for the next one.

    Args:
        reactor: the reactor.
    """

    def __init__(self, reactor: Flushing) -> None:
        self._reactor = reactor
        self._waiting: set[trio.lowlevel.Task] = set()
        self._next: set[trio.lowlevel.Task] = set()

    async def wait(self) -> None:
        """Wait, for at most ``FLUSH_SECONDS``, until the output of each connection that is dirty now was offered once.

        Cancellation: ends the wait at once. The call returns, and the next checkpoint raises ``Cancelled``, because the
        packets that the caller has queued are sent in any case.
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
        """Wake the tasks of a round that has ended, and begin the next. To be called after each turn of the reactor."""
        while (self._waiting or self._next) and not self._reactor.in_round:
            _wake(self._waiting)
            self._waiting, self._next = self._next, self._waiting
            if self._waiting and self._reactor.has_dirty:
                self._reactor.begin_round()

    def close(self) -> None:
        """Wake all tasks, because the reactor has stopped."""
        _wake(self._waiting)
        _wake(self._next)


class Flushing(Protocol):
    """The part of ``Reactor`` that ``Rounds`` uses."""

    @property
    def has_dirty(self) -> bool:
        """Whether a connection has something to send."""
        ...

    @property
    def in_round(self) -> bool:
        """Whether a round is in progress."""
        ...

    def begin_round(self) -> None:
        """Begin a round."""


def _wake(tasks: set[trio.lowlevel.Task]) -> None:
    while tasks:
        trio.lowlevel.reschedule(tasks.pop())
