"""The object that ``async with io.guest(...)`` returns."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self, TypeVar

import outcome
import trio
from trio.lowlevel import in_trio_task

from trio_socketio.guest._call import LOG, STOPPED
from trio_socketio.guest._job import Job
from trio_socketio.guest._listeners import Address
from trio_socketio.guest._run import GuestRun
from trio_socketio.guest._servers import Served, Servers
from trio_socketio.guest._waiting import wait_for_end

__all__ = ["Guest"]

T = TypeVar("T")

#: How much longer than the grace of its servers a guest may take to end, in seconds.
MARGIN = 1.0


class Guest:
    """A server that runs in a program of asyncio; see ``Server.guest``, which makes this object.

    Trio runs on the thread of the loop. Handlers are Trio tasks. Other code of the program is in tasks of asyncio. Each
    side awaits functions of the other side through this object: ``run`` and ``run_in_asyncio``.

    Args:
        server: the server.
        address: where it listens.
        grace: opens a shielded scope for work that goes on after a cancellation.
        grace_seconds: how long this scope is open at most, in seconds.

    Attributes:
        listeners: the listeners of the server, while it runs.
    """

    def __init__(
        self,
        server: Served,
        address: Address,
        grace: Callable[[], AbstractContextManager[object]],
        grace_seconds: float,
    ) -> None:
        self._server = server
        self._address = address
        self._grace = grace
        self._grace_seconds = grace_seconds
        self._run: GuestRun | None = None
        self._servers = Servers()
        self._body: asyncio.Task[Any] | None = None
        self._has_cancelled_body = False
        self.listeners: list[Any] = []

    # the block

    async def __aenter__(self) -> Self:
        """Start Trio and the server, and return when it listens.

        Raises:
            OSError: the port cannot be bound.
            RuntimeError: Trio runs already in this thread, as another guest or around the loop.
        """
        if self._run is not None:
            raise RuntimeError("a guest runs once: call io.guest again for another one")
        self._run = GuestRun(asyncio.get_running_loop(), self._trio_ended)
        try:
            await asyncio.wait([self._run.ready])
            self.listeners = await self._serve_on(self._server, self._address)
            # Cancelling the body before it waits could cancel code after the block.
            if self._run.ended.done():
                raise RuntimeError(STOPPED)
        except BaseException:
            await self._stop()
            self._raise_failure()
            raise
        self._body = asyncio.current_task()
        return self

    def _trio_ended(self) -> None:
        """Cancel the body of the block, which has not ended yet, because no server runs any more."""
        if self._body is not None:
            self._has_cancelled_body = self._body.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop the server as ``async with io:`` does, within ``disconnect_timeout``, and wait for it.

        Raises:
            BaseException: the server has ended with this error, before the block or while it stopped.

        Cancellation: does not interrupt the stop, and is raised after it.
        """
        body, self._body = self._body, None
        assert body is not None
        cancelled = await self._stop()
        if self._has_cancelled_body:
            body.uncancel()
        self._raise_failure()
        if cancelled is not None:
            raise cancelled

    async def _stop(self) -> asyncio.CancelledError | None:
        assert self._run is not None
        self._run.stop()
        return await wait_for_end(self._run.ended, self._grace_seconds + MARGIN, is_cancelled=False)

    def _raise_failure(self) -> None:
        """Raise the error with which Trio has ended. It keeps its own context, which tells more than the block's."""
        assert self._run is not None
        if not self._run.ended.done():
            LOG.error("the guest has not ended within %g s", self._grace_seconds + MARGIN)
            return
        result = self._run.ended.result()
        if isinstance(result, outcome.Error):
            error = result.error
            context = error.__context__
            try:
                raise error
            finally:
                error.__context__ = context
                del error, result

    # for asyncio

    async def run(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Await an async function of Trio from a task of asyncio: ``await guest.run(io.emit, "news", data)``.

        Callbacks of asyncio, which cannot await, use ``io.from_thread.emit_soon``.

        Args:
            function: the function. It runs in a Trio task of its own.
            *args: its arguments.

        Returns:
            The result of the function.

        Raises:
            Exception: the function has raised it.
            RuntimeError: the guest has ended, or ends meanwhile; or the caller is not a task of the guest's loop.

        Cancellation: cancels the function, and waits for its end, for at most ``disconnect_timeout``.
        """
        return await self._running("run").call(function, args, self._grace_seconds)

    async def serve(
        self,
        server: Served,
        host: str | bytes | None,
        port: int,
        *,
        ssl_context: ssl.SSLContext | None = None,
        backlog: int | None = None,
        reuse_port: bool = False,
    ) -> list[Any]:
        """Start another server in this guest, or listen on another port with the same server, until the guest ends.

        Args:
            server: a ``Server`` or an ``EngineServer``.
            host, port, ssl_context, backlog, reuse_port: as for ``Server.guest``.

        Returns:
            The listeners, as soon as they accept connections.

        Raises:
            OSError: the port cannot be bound.
            RuntimeError: as ``run``.

        Cancellation: the server does not start.
        """
        return await self._serve_on(server, Address(host, port, ssl_context, backlog, reuse_port))

    async def _serve_on(self, server: Served, address: Address) -> list[Any]:
        return await self.run(self._start, server, address)

    async def _start(self, server: Served, address: Address) -> list[Any]:
        assert self._run is not None
        return await self._servers.start(self._run.servers, server, address)

    def _running(self, method: str) -> GuestRun:
        run = self._run
        if run is None or run.ended.done():
            raise RuntimeError(STOPPED if run is not None else "the guest does not run: use async with")
        if in_trio_task():
            raise RuntimeError(f"guest.{method} is for tasks of asyncio: in a Trio task, await the function")
        if not run.is_current:
            raise RuntimeError(
                f"guest.{method} was called outside the guest's loop: use io.from_thread in other threads"
            )
        return run

    # for Trio

    async def run_in_asyncio(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Await an async function of asyncio from a Trio task, such as a handler.

        This is for libraries that only asyncio has: ``row = await guest.run_in_asyncio(pool.fetchrow, query, key)``.

        Args:
            function: the function. It runs in a task of asyncio of its own.
            *args: its arguments.

        Returns:
            The result of the function.

        Raises:
            Exception: the function has raised it.
            GuestTaskCancelled: the task was cancelled by other code of asyncio.
            RuntimeError: the caller is not a Trio task of this guest.

        Cancellation: cancels the task of asyncio, and waits for its end, for at most ``disconnect_timeout``.
        """
        run = self._run
        if run is None or not run.is_current or not in_trio_task():
            raise RuntimeError(
                "guest.run_in_asyncio is for Trio tasks of its guest: in a task of asyncio, await the function"
            )
        await trio.lowlevel.checkpoint_if_cancelled()
        return await Job(run.loop, function, args).wait(self._grace)
