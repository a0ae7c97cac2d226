"""The nursery of a socket, opened at its first use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import trio

from trio_socketio._passing import PASSING
from trio_socketio.errors import Disconnected
from trio_socketio.handlers._outside import require_task

__all__ = ["SocketNursery"]

_Start = tuple[Callable[..., Awaitable[Any]], tuple[Any, ...], object]


class SocketNursery:
    """A nursery whose tasks are cancelled when the socket ends. Start tasks with ``start_soon`` and ``start``.

    The first use starts a task of the socket, which opens a ``trio.Nursery``; an idle socket has none. An exception of
    a task in the nursery disconnects this socket only. After ``cancel_scope`` was cancelled, the next use opens a new
    nursery. After the socket has ended, each use raises ``Disconnected``. Tasks that are given to the nursery before it
    is open start in the order of their calls.
    """

    __slots__ = ("_early", "_nursery", "_opened", "_over", "_report", "_scope", "_start")

    def __init__(
        self,
        start: Callable[[Callable[[], Awaitable[None]], trio.CancelScope], None],
        report: Callable[[BaseException], None],
    ) -> None:
        self._start = start
        self._report = report
        self._nursery: trio.Nursery | None = None
        self._early: list[_Start] = []
        self._opened: trio.Event | None = None
        self._scope: trio.CancelScope | None = None
        self._over = False

    @property
    def cancel_scope(self) -> trio.CancelScope:
        """The cancel scope of all tasks in the nursery."""
        require_task("nursery.cancel_scope")
        if self._scope is None:
            self._open()
        assert self._scope is not None
        return self._scope

    def start_soon(self, function: Callable[..., Awaitable[Any]], *args: Any, name: object = None) -> None:
        """Start a task; see ``trio.Nursery.start_soon``."""
        require_task("nursery.start_soon")
        self._open()
        if self._nursery is not None:
            try:
                self._nursery.start_soon(function, *args, name=name)
            except RuntimeError:  # cancelled and empty, but the host task has not run since
                self._early.append((function, args, name))
        else:
            self._early.append((function, args, name))

    async def start(self, function: Callable[..., Awaitable[Any]], *args: Any, name: object = None) -> Any:
        """Start a task, and wait until it calls ``task_status.started``; see ``trio.Nursery.start``."""
        while self._nursery is None:
            self._open()
            assert self._opened is not None
            await self._opened.wait()
        return await self._nursery.start(function, *args, name=name)

    def close(self) -> None:
        """Take no more tasks, because the socket has ended. Running tasks are cancelled by the mailbox."""
        self._over = True

    def _open(self) -> None:
        if self._over:
            raise Disconnected("the socket has ended: its nursery does not accept new tasks")
        if self._scope is None:
            self._scope, self._opened = trio.CancelScope(), trio.Event()
            self._start(self._host, self._scope)

    async def _host(self) -> None:
        """Hold the nursery open, inside of ``_scope``."""
        assert self._opened is not None
        try:
            async with trio.open_nursery() as nursery:
                while self._early:  # one at a time, so that they start in the order of the calls
                    function, args, name = self._early.pop(0)
                    nursery.start_soon(function, *args, name=name)
                    await trio.lowlevel.cancel_shielded_checkpoint()
                self._nursery = nursery
                self._opened.set()
                await trio.sleep_forever()
        except PASSING:
            raise
        except BaseException as error:
            self._report(error)  # raises it again if it is not an error of the application
        finally:
            self._nursery = self._scope = None
            if self._early and not self._over:
                self._open()
