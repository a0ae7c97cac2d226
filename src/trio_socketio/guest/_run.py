"""A run of Trio as a guest of an asyncio loop."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from trio_socketio.guest._call import STOPPED, Call
from trio_socketio.handlers import leaf, unwrap
from trio_socketio.serving import HOST_CALL_SOON

if TYPE_CHECKING:
    import outcome

__all__ = ["GuestRun"]

T = TypeVar("T")


class _Running(threading.local):
    """The run of the current thread; None if it has none."""

    run: GuestRun | None = None


_RUNNING = _Running()


class GuestRun:
    """Trio on the thread of an asyncio loop. While no task is ready, a helper thread of Trio waits for its I/O.

    Args:
        loop: the running loop of this thread.
        on_end: called in the loop when Trio has ended.

    Raises:
        RuntimeError: Trio runs already in this thread.

    Attributes:
        loop: the loop.
        ready: done when ``servers`` is open.
        ended: Trio's outcome, when it has ended.
        servers: the nursery of the servers. Their errors end the run.
    """

    servers: trio.Nursery

    def __init__(self, loop: asyncio.AbstractEventLoop, on_end: Callable[[], None]) -> None:
        if _RUNNING.run is not None:
            raise RuntimeError(
                "this thread has a guest already: let it serve the other server, too, "
                "with guest.serve(other, host, port)"
            )
        if trio.lowlevel.in_trio_run():
            raise RuntimeError(
                "Trio runs already in this thread, and the loop of asyncio inside it cannot have a guest: "
                "await io.serve in a Trio task"
            )
        self.loop = loop
        self.ready: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[outcome.Outcome[None]] = loop.create_future()
        self._on_end = on_end
        self._scope = trio.CancelScope()
        self._calls: set[Call[Any]] = set()
        self._call_nursery: trio.Nursery
        self._is_open = False
        # Without a handler of the host's, Trio handles SIGINT, and decides by the interrupted frame what to do.
        self._host_handles_sigint = signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        trio.lowlevel.start_guest_run(
            self._main,
            run_sync_soon_threadsafe=loop.call_soon_threadsafe,
            run_sync_soon_not_threadsafe=loop.call_soon,
            done_callback=self._done,
            host_uses_signal_set_wakeup_fd=True,
        )
        _RUNNING.run = self

    @property
    def is_current(self) -> bool:
        """Whether the caller is on the thread of this run."""
        return _RUNNING.run is self

    async def _main(self) -> None:
        if self._host_handles_sigint:
            HOST_CALL_SOON.set(self.loop.call_soon_threadsafe)
        try:
            with self._scope:
                async with trio.open_nursery() as self._call_nursery, trio.open_nursery() as self.servers:
                    try:
                        self._is_open = True
                        self.ready.set_result(None)
                        await trio.sleep_forever()
                    finally:  # a server has failed, or the guest stops
                        self._end_calls()
        except BaseExceptionGroup as group:  # outside of the scope, which removes ``Cancelled`` from it
            raise leaf(unwrap(group)) from None

    def _end_calls(self) -> None:
        self._is_open = False
        for call in list(self._calls):
            call.cancel()

    def _done(self, result: outcome.Outcome[None]) -> None:
        _RUNNING.run = None
        self.ended.set_result(result)
        self._on_end()

    def stop(self) -> None:
        """Stop the servers in order, and cancel all calls."""
        self._scope.cancel()

    async def call(self, function: Callable[..., Awaitable[T]], args: tuple[Any, ...], grace: float) -> T:
        """Await a function in a Trio task, and return its result to asyncio; see ``Guest.run``."""
        if not self._is_open:
            raise RuntimeError(STOPPED)
        call = Call(function, args)
        self._calls.add(call)
        self._call_nursery.start_soon(self._make, call)
        return await call.wait(grace)

    async def _make(self, call: Call[Any]) -> None:
        try:
            await call.make()
        finally:
            self._calls.discard(call)
