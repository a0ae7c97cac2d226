"""Calls functions outside of Trio tasks: in another thread, or in the server's own thread between two tasks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import outcome
import trio

__all__ = ["PLACES", "Place", "between_tasks", "in_thread"]

T = TypeVar("T")


async def in_thread(function: Callable[[], T]) -> T:
    """Call a function in another thread. Return its result, or raise its exception."""
    return await trio.to_thread.run_sync(function)


class _Between(trio.abc.Instrument):
    """Calls a function once in Trio's thread, while no task runs."""

    def __init__(self, function: Callable[[], object]) -> None:
        self.function = function
        self.result: outcome.Outcome[object] | None = None

    def before_io_wait(self, timeout: float) -> None:
        if self.result is None:
            self.result = outcome.capture(self.function)


async def between_tasks(function: Callable[[], T]) -> T:
    """Call a function in this thread, but outside of any task, like a callback of a host loop or a signal handler."""
    instrument = _Between(function)
    trio.lowlevel.add_instrument(instrument)
    while instrument.result is None:
        await trio.lowlevel.checkpoint()
    trio.lowlevel.remove_instrument(instrument)
    return instrument.result.unwrap()  # type: ignore[return-value]


Place = Callable[[Callable[[], object]], Awaitable[object]]
PLACES: dict[str, Place] = {"thread": in_thread, "between tasks": between_tasks}
