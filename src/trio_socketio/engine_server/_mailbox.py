"""The mailbox of an engine's socket: it holds the socket's messages."""

from __future__ import annotations

from typing import Protocol

import msgspec

from trio_socketio.engine_server._iteration import MessageIteration
from trio_socketio.handlers import IDLE, Mailbox, Owner

__all__ = ["Message", "MessageMailbox"]


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message, as an event of the socket: ``args`` holds its data. Its size is in bytes."""

    args: list[str | bytes]
    size: int
    # Without annotations, so that they are no fields.
    name = "message"
    ack_id = None


class MessageOwner(Owner[Message], Protocol):
    """The peer that a mailbox belongs to."""

    dropped: int


class MessageMailbox(Mailbox[Message]):
    """The mailbox of an engine's socket. An iteration takes its messages if there is no handler for them."""

    __slots__ = ()

    owner: MessageOwner
    iteration: MessageIteration | None

    def deliver(self) -> None:
        """Messages wait, or there are other handlers or iterations for them."""
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
