"""A wake-up for one waiting task. It is smaller than ``trio.Event`` and resets itself."""

from __future__ import annotations

import trio

__all__ = ["Signal"]


class Signal:
    """A flag for which one task waits. ``wait`` clears it; several calls of ``set`` before that count as one."""

    __slots__ = ("_is_set", "_task")

    def __init__(self) -> None:
        self._is_set = False
        self._task: trio.lowlevel.Task | None = None

    def set(self) -> None:
        """Wake the waiting task. If no task waits, the next ``wait`` returns at once."""
        if self._task is not None:
            trio.lowlevel.reschedule(self._task)  # raises outside of Trio; then the task must stay registered
            self._task = None
        else:
            self._is_set = True

    async def wait(self) -> None:
        """Wait until ``set`` is called, unless it was called after the last ``wait``.

        This is a checkpoint. If it is cancelled, no ``set`` is lost.
        """
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
