"""What mailboxes and workers need of the objects around them: their owner, and the running server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from trio_socketio.handlers._handler import Handler
from trio_socketio.handlers._inbox import Event, Inbox

__all__ = ["Owner", "Spawner"]


E = TypeVar("E", bound=Event)


class Owner(Protocol[E]):
    """The object that a mailbox belongs to: one client, or one client in one namespace."""

    @property
    def socket(self) -> object:
        """The first argument of handlers."""

    def make_inbox(self) -> Inbox[E]:
        """Return a new inbox; called for the first event that has to wait."""
        ...

    def handle(self, event: E) -> Awaitable[None]:
        """Call the handlers of an event, in a task; raises nothing that an application's handler raises."""
        ...

    def handle_inline(self, event: E, handlers: Sequence[Handler]) -> None:
        """Call the handlers of an event, all of which are plain functions, in the task that received it."""

    def acknowledge(self, ack_id: int, result: Any) -> None:
        """Acknowledge an event with the result of its handler.

        Raises:
            LocalProtocolError: the result cannot be encoded.
        """

    def failed(self, event: E, error: BaseException) -> None:
        """A handler of an event has raised; raises again what the error boundary does not contain."""

    def event_waits(self) -> None:
        """An event has come while another one is being handled, or before the mailbox is ready."""

    def cut_off(self, event: E) -> None:
        """The handling of an event was cancelled."""

    def nursery_failed(self, error: BaseException) -> None:
        """A task in the socket's nursery has raised; raises again what the error boundary does not contain."""

    @property
    def has_disconnect_handlers(self) -> bool:
        """Whether ``run_disconnect_handlers`` has anything to do."""
        ...

    async def run_disconnect_handlers(self) -> None:
        """Call the disconnect handlers. All tasks of the mailbox have ended."""

    def vanish(self) -> None:
        """Drop all references: the mailbox has ended, and so have its tasks."""


class Spawner(Protocol):
    """A running server, whose nursery is the parent of the tasks here. Its stop waits for those that are not paused."""

    def spawn(self, function: Callable[..., Awaitable[object]], *args: Any, name: object) -> None:
        """Start a task."""

    def pause(self) -> None:
        """The task that calls has nothing to do; the stop does not wait for it."""

    def resume(self) -> None:
        """It has something to do again."""

    def disconnecting(self) -> AbstractContextManager[None]:
        """Return the shielded scope of disconnect handlers, which ends with the grace of the server's stop."""
        ...
