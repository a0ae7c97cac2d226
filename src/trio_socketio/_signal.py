"""A wake-up for one waiting task. Smaller than ``trio.Event``, and it resets itself."""

from __future__ import annotations

import trio

__all__ = ["Signal"]


class Signal:
    """Each ``set`` lets one ``wait`` return; several that come before a ``wait`` count as one."""

    __slots__ = ("_is_set", "_task")

    def __init__(self) -> None:
        self._is_set = False
        self._task: trio.lowlevel.Task | None = None

    def set(self) -> None:
        """Wake the task that waits, or let the next ``wait`` return at once."""
        if self._task is not None:
            trio.lowlevel.reschedule(self._task)  # raises outside of Trio, and the task still waits
            self._task = None
        else:
            self._is_set = True

    async def wait(self) -> None:
        """Wait until ``set`` was called after the last ``wait``. A checkpoint; cancelling loses only the wait."""
        if self._is_set:
            await trio.lowlevel.checkpoint()
            self._is_set = False
            return
        assert self._task is None, "a Signal has one waiter"
        self._task = trio.lowlevel.current_task()

        def abort(_: trio.lowlevel.RaiseCancelT) -> trio.lowlevel.Abort:
            self._task = None
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)
