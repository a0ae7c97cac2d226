"""The tasks that the stop of a server waits for."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from trio_socketio._passing import PASSING
from trio_socketio.handlers import INTERRUPTS, contain
from trio_socketio.net import EngineHost

__all__ = ["BusyTasks"]


class BusyTasks(ABC):
    """Starts tasks in a server's nursery, and counts those that have work.

    Attributes:
        host: the host. Its connections in the reactors count as busy, although they have no task.
        log: the logger for errors.
        nursery: the server's nursery.
    """

    host: EngineHost
    nursery: trio.Nursery

    def __init__(self, log: logging.Logger) -> None:
        self.log = log
        self._busy = 0
        self._quiet = trio.Event()

    @abstractmethod
    def interrupted(self, error: BaseException) -> None:
        """Stop the server, because a task has raised ``KeyboardInterrupt`` or ``SystemExit``."""

    def spawn(self, function: Callable[..., Awaitable[object]], *args: Any, name: object) -> None:
        """Start a task in the server's nursery. ``stop`` waits for it, even if it has not run yet."""
        self.nursery.start_soon(self._contained, function, *args, name=name)
        self._busy += 1

    def pause(self) -> None:
        """Stop counting the calling task as busy, because it waits for work. ``stop`` does not wait for it."""
        self._busy -= 1
        self._became_idle()

    def resume(self) -> None:
        """Count the calling task as busy again, because it has work or ends."""
        self._busy += 1

    @trio.lowlevel.enable_ki_protection
    async def _contained(self, function: Callable[..., Awaitable[object]], *args: Any) -> None:
        """Run a function that is counted as busy. A bug of this package in it ends one connection, not the server."""
        try:
            await function(*args)
        except INTERRUPTS as error:
            self.interrupted(error)
        except BaseExceptionGroup as group:
            contain(group, self._internal_error, self.interrupted)
        except PASSING:
            raise
        except BaseException as error:
            self._internal_error(error)
        finally:
            self.pause()

    def _internal_error(self, error: BaseException) -> None:
        self.log.critical("internal error", exc_info=error)

    @property
    def _is_busy(self) -> bool:
        host = self.host
        return (
            self._busy > 0
            or (host.reactor is not None and bool(host.reactor.drivers))
            or (host.http_reactor is not None and bool(host.http_reactor.connections))
        )

    def _became_idle(self) -> None:
        if not self._is_busy:
            self._quiet.set()

    async def _wait_until_idle(self) -> None:
        """Wait until no task and no connection in the reactor has work."""
        while self._is_busy:
            self._quiet = trio.Event()
            await self._quiet.wait()
