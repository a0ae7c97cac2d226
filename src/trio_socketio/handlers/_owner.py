"""Protocols that mailboxes and workers depend on: the owner of a mailbox, and the running server."""

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
        """Return a new inbox. Called when the first event has to wait."""
        ...

    def handle(self, event: E) -> Awaitable[None]:
        """Call the handlers of an event, in a task. Errors of the handlers are reported, and not raised."""
        ...

    def handle_inline(self, event: E, handlers: Sequence[Handler]) -> None:
        """Call the handlers of an event in the task that received it. All of them are plain functions."""

    def acknowledge(self, ack_id: int, result: Any) -> None:
        """Acknowledge an event with the result of its handler.

        Raises:
            LocalProtocolError: the result cannot be encoded.
        """

    def failed(self, event: E, error: BaseException) -> None:
        """Report the error of a handler. Raise it again if it is not an error of the application."""

    def event_waits(self) -> None:
        """Note that an event waits, because another one is being handled or the mailbox is held."""

    def cut_off(self, event: E) -> None:
        """Note that the handling of an event was cancelled."""

    def nursery_failed(self, error: BaseException) -> None:
        """Report the error of a task in the nursery. Raise it again if it is not an error of the application."""

    @property
    def has_disconnect_handlers(self) -> bool:
        """Whether there are disconnect handlers to run."""
        ...

    async def run_disconnect_handlers(self) -> None:
        """Call the disconnect handlers, after all tasks of the mailbox have ended."""

    def vanish(self) -> None:
        """Drop all references, after the mailbox and its tasks have ended."""


class Spawner(Protocol):
    """A running server. It starts tasks in its nursery; its stop waits for the tasks that are not paused."""

    def spawn(self, function: Callable[..., Awaitable[object]], *args: Any, name: object) -> None:
        """Start a task."""

    def pause(self) -> None:
        """Mark the calling task as idle: the stop of the server does not wait for it."""

    def resume(self) -> None:
        """Mark the calling task as busy again."""

    def disconnecting(self) -> AbstractContextManager[None]:
        """Return a shielded cancel scope for disconnect handlers. It ends with the grace period of the stop."""
        ...
