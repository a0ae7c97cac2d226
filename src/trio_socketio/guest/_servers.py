"""The servers of a guest."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Protocol

import trio

from trio_socketio.guest._listeners import Address

__all__ = ["Served", "Servers"]


class Served(Protocol):
    """A ``Server`` or an ``EngineServer``."""

    async def __aenter__(self) -> object: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None: ...

    async def serve_listeners(
        self, listeners: list[trio.abc.Listener[Any]], *, task_status: trio.TaskStatus[list[Any]]
    ) -> None:
        """Serve on listeners until cancelled, then close them."""


class Servers:
    """Starts servers in the nursery of a guest. A server with several ports runs once."""

    def __init__(self) -> None:
        self._running: set[Served] = set()

    async def start(self, nursery: trio.Nursery, server: Served, address: Address) -> list[Any]:
        """Bind an address, and serve on it in a task of the nursery. Return the listeners when they accept.

        Raises:
            OSError: the port cannot be bound.
        """
        listeners = await address.open()
        try:
            started: list[Any] = await nursery.start(self._serve, server, listeners)
        except BaseException:
            for listener in listeners:
                await trio.aclose_forcefully(listener)
            raise
        return started

    async def _serve(
        self,
        server: Served,
        listeners: list[trio.abc.Listener[Any]],
        task_status: trio.TaskStatus[list[Any]] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        if server in self._running:
            await server.serve_listeners(listeners, task_status=task_status)
            return
        self._running.add(server)
        try:
            async with server:
                await server.serve_listeners(listeners, task_status=task_status)
        finally:
            self._running.discard(server)
