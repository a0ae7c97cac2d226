"""The mailbox of an ``EngineSocket``, which holds its messages."""

from __future__ import annotations

from typing import Protocol

import msgspec

from trio_socketio.engine_server._iteration import MessageIteration
from trio_socketio.handlers import IDLE, Mailbox, Owner

__all__ = ["Message", "MessageMailbox"]


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message, in the form of an event. ``args`` holds its data, and ``size`` is in bytes."""

    args: list[str | bytes]
    size: int
    # Not annotated, so that msgspec does not make them fields.
    name = "message"
    ack_id = None


class MessageOwner(Owner[Message], Protocol):
    """The peer that a mailbox belongs to."""

    dropped: int


class MessageMailbox(Mailbox[Message]):
    """The mailbox of an ``EngineSocket``. An iteration takes the messages if there is no handler for them."""

    __slots__ = ()

    owner: MessageOwner
    iteration: MessageIteration | None

    def deliver(self) -> None:
        """Pass the messages that wait to the handlers or to the iteration. If there is neither, drop them."""
        inbox = self.inbox
        if inbox is None or not inbox.has_waiting or self.has_ended:
            return
        if self.table.get("message"):
            super().deliver()
        elif self.iteration is not None:
            self.iteration.wake()
        elif self.state is IDLE:
            while inbox.take() is not None:
                self.owner.dropped += 1
            self.wake_idle()
