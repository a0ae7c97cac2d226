"""A socket's nursery, opened when it is first used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import trio

from trio_socketio.errors import Disconnected
from trio_socketio.handlers._boundary import CONTAINED
from trio_socketio.handlers._outside import require_task

__all__ = ["SocketNursery"]

_Start = tuple[Callable[..., Awaitable[Any]], tuple[Any, ...], object]


class SocketNursery:
    """Tasks that end with their socket: ``start_soon`` and ``start``, as in ``trio.Nursery``.

    An idle socket pays for no nursery. The first use starts a task of the socket, which opens it; an exception of a
    task in it disconnects the socket, and that socket alone. Once it was cancelled it is opened anew by its next use;
    once the socket has ended it takes no more tasks, and says so with ``Disconnected``. Tasks that were given to it
    before it was open start in the order in which they came.
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
        """Cancelling it cancels every task in the nursery."""
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
            except RuntimeError:  # its last task has ended, and the one that holds it has not noticed yet
                self._early.append((function, args, name))
        else:
            self._early.append((function, args, name))

    async def start(self, function: Callable[..., Awaitable[Any]], *args: Any, name: object = None) -> Any:
        """Start a task and wait until it reports that it runs; see ``trio.Nursery.start``."""
        while self._nursery is None:
            self._open()
            assert self._opened is not None
            await self._opened.wait()
        return await self._nursery.start(function, *args, name=name)

    def close(self) -> None:
        """The socket has ended: take no more tasks. Those that run are cancelled with the socket's other tasks."""
        self._over = True

    def _open(self) -> None:
        if self._over:
            raise Disconnected("the socket has ended: its nursery takes no more tasks")
        if self._scope is None:
            self._scope, self._opened = trio.CancelScope(), trio.Event()
            self._start(self._host, self._scope)

    async def _host(self) -> None:
        """Hold the nursery open; runs inside of ``_scope``."""
        assert self._opened is not None
        try:
            async with trio.open_nursery() as nursery:
                while self._early:  # one after the other, so that they start in their order
                    function, args, name = self._early.pop(0)
                    nursery.start_soon(function, *args, name=name)
                    await trio.lowlevel.cancel_shielded_checkpoint()
                self._nursery = nursery
                self._opened.set()
                await trio.sleep_forever()
        except CONTAINED as error:
            self._report(error)  # raises what is not an application's error
        finally:
            self._nursery = self._scope = None
            if self._early and not self._over:
                self._open()
