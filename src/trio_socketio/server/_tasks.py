"""The tasks of sockets, which end with them; and who says farewell when all have ended."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

import trio

from trio_socketio.server._engine_runtime import EngineRuntime

__all__ = ["Tasks"]


class Tasked(Protocol):
    """Whose tasks they are."""

    _tasks: tuple[trio.CancelScope, ...]

    @property
    def _has_ended(self) -> bool: ...


S = TypeVar("S", bound=Tasked)


class Tasks(ABC, Generic[S]):
    """Starts the tasks of sockets, and ends them."""

    def __init__(self, runtime: EngineRuntime) -> None:
        self._runtime = runtime

    def start(
        self,
        socket: S,
        function: Callable[[], Awaitable[None]],
        scope: trio.CancelScope | None = None,
        *,
        name: object = None,
    ) -> None:
        """Start a task of a socket; its scope is cancelled when the socket ends."""
        scope = scope or trio.CancelScope()
        self._runtime.spawn(self._run, socket, function, scope, name=name)
        socket._tasks = (*socket._tasks, scope)

    async def _run(self, socket: S, function: Callable[[], Awaitable[None]], scope: trio.CancelScope) -> None:
        try:
            with scope:
                await function()
        finally:
            if self.release(socket, scope):
                await self.farewell(socket)

    @staticmethod
    def release(socket: Tasked, scope: trio.CancelScope) -> bool:
        """The task with this scope is the socket's no longer; returns whether it is to say farewell for it."""
        socket._tasks = tuple(other for other in socket._tasks if other is not scope)
        return not socket._tasks and socket._has_ended

    def end(self, socket: S) -> None:
        """A socket has ended: its tasks are cancelled, and the last of them says farewell."""
        if socket._tasks:
            for scope in socket._tasks:
                scope.cancel()
        elif self._is_missed(socket):
            self._runtime.spawn(self.farewell, socket, name="farewell of a socket")
        else:
            self._forget(socket)

    @abstractmethod
    def _is_missed(self, socket: S) -> bool:
        """Whether somebody wants to hear of its end."""

    @abstractmethod
    def _forget(self, socket: S) -> None:
        """It has ended, and nobody wants to hear of that."""

    @abstractmethod
    async def farewell(self, socket: S) -> None:
        """Let those hear who want to, and forget the socket."""
