"""A call from Trio into asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

import trio

from trio_socketio.errors import GuestTaskCancelled
from trio_socketio.guest._call import LATE, LOG
from trio_socketio.handlers import function_name

__all__ = ["Job"]

T = TypeVar("T")


class Job(Generic[T]):
    """A task of asyncio for which a Trio task waits.

    Args:
        loop: the host's loop. Its thread is the caller's.
        function: the function that the task calls and awaits.
        args: the arguments of the function.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, function: Callable[..., Awaitable[T]], args: tuple[Any, ...]
    ) -> None:
        self._function = function
        self._args = args
        self._ended = trio.Event()
        self._task: asyncio.Task[T] | None = None
        # The task starts outside of Trio's turn: factories such as asyncio.eager_task_factory run it at once.
        self._start = loop.call_soon(self._start_task, loop)

    def _start_task(self, loop: asyncio.AbstractEventLoop) -> None:
        self._task = loop.create_task(self._call(), name=function_name(self._function))
        self._task.add_done_callback(lambda _: self._ended.set())

    async def _call(self) -> T:
        return await self._function(*self._args)

    async def wait(self, grace: Callable[[], AbstractContextManager[object]]) -> T:
        """Wait for the task, in Trio.

        Args:
            grace: opens the shielded scope in which to wait for the task's end after a cancellation.

        Raises:
            GuestTaskCancelled: asyncio has cancelled the task.
            Exception: the function has raised it.

        Cancellation: cancels the task, and waits for its end. If it does not end in time, this is logged.
        """
        try:
            await self._ended.wait()
        except trio.Cancelled:
            self._cancel()
            with grace():
                await self._ended.wait()
            if not self._ended.is_set():
                LOG.error(LATE, function_name(self._function))
            elif self._task is not None and not self._task.cancelled():
                self._task.result()  # raises the error of a function that failed
            raise
        assert self._task is not None
        if self._task.cancelled():
            raise GuestTaskCancelled(f"asyncio cancelled the task of {function_name(self._function)}")
        return self._task.result()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        else:
            self._start.cancel()
            self._ended.set()
