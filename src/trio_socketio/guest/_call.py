"""A call from asyncio into Trio."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import trio

from trio_socketio.guest._waiting import wait_for_end
from trio_socketio.handlers import function_name

__all__ = ["LATE", "LOG", "STOPPED", "Call"]

STOPPED = "the guest has ended"
LATE = "%s did not end in time after it was cancelled"

LOG = logging.getLogger("trio_socketio.guest")

T = TypeVar("T")


class Call(Generic[T]):
    """An async function that runs in a Trio task while a task of asyncio waits for it.

    Args:
        function: the function.
        args: its arguments.
    """

    def __init__(self, function: Callable[..., Awaitable[T]], args: tuple[Any, ...]) -> None:
        self._function = function
        self._args = args
        self._ended: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        # The shield makes this scope catch every cancellation of the call, so that none of them reaches asyncio.
        self._scope = trio.CancelScope(shield=True)
        self._was_cancelled = False

    def cancel(self) -> None:
        """Cancel the function. The caller may be in Trio or in asyncio."""
        self._scope.cancel()

    async def make(self) -> None:
        """Run the function, in a Trio task."""
        failure: BaseException | None = None
        try:
            with self._scope:
                result = await self._function(*self._args)
                if not self._ended.done():
                    self._ended.set_result(result)
        except asyncio.CancelledError as error:  # as the exception of a future it would cancel the caller
            failure = RuntimeError(f"{function_name(self._function)} raised CancelledError in Trio")
            failure.__cause__ = error
        except BaseException as error:
            failure = error
        if failure is None:
            if not self._ended.done():
                self._was_cancelled = True
                self._ended.set_exception(RuntimeError(STOPPED))
        elif not self._ended.done():
            self._ended.set_exception(failure)
        else:
            LOG.error("%s failed after its caller was gone", self._name, exc_info=failure)
        failure = None  # its traceback refers to this frame: break the reference cycle

    async def wait(self, grace: float) -> T:
        """Wait for the function, in a task of asyncio.

        Args:
            grace: how long to wait for the function's end after a cancellation, in seconds.

        Raises:
            Exception: the function has raised it.
            RuntimeError: the guest has ended.

        Cancellation: cancels the function, and waits for its end. If it does not end in time, this is logged.
        """
        try:
            await asyncio.wait([self._ended])
        except asyncio.CancelledError:
            self.cancel()
            await wait_for_end(self._ended, grace, is_cancelled=True)
            if self._ended.cancel():
                LOG.error(LATE, self._name)  # noqa: TRY400 - its traceback tells nothing
            else:
                failure = self._ended.exception()
                if failure is not None and not self._was_cancelled:
                    raise failure from None
            raise
        return self._ended.result()

    @property
    def _name(self) -> str:
        return function_name(self._function)
