"""The mailbox of an engine's socket: its messages, and the iteration over them."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import msgspec
import trio

from trio_socketio.engine_server._socket import MessageIterator
from trio_socketio.handlers import IDLE, Mailbox

if TYPE_CHECKING:
    from trio_socketio.engine_server._peer import EnginePeer

__all__ = ["Message", "MessageIteration", "MessageMailbox"]

#: How many messages an iteration gives out in a row before other tasks run, if nothing waits for anything.
MESSAGES_BETWEEN_CHECKPOINTS = 32


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message, as an event of the socket: ``args`` holds its data. Its size is in bytes."""

    args: list[str | bytes]
    size: int
    # Without annotations, so that they are no fields.
    name = "message"
    ack_id = None


class MessageIteration:
    """The iteration over a socket's messages: one iterator, which several loops may use at once."""

    __slots__ = ("_iterator", "_streak", "_takers")

    def __init__(self) -> None:
        self._iterator: weakref.ref[MessageIterator] | None = None
        #: how many messages it has given out since other tasks ran
        self._streak = 0
        self._takers = trio.lowlevel.ParkingLot()

    def iterator(self, client: EnginePeer) -> MessageIterator:
        """Return the iterator over this client's messages; a new one if the last one is not used any more."""
        iterator = None if self._iterator is None else self._iterator()
        if iterator is None:
            iterator = MessageIterator(client, self)
            self._iterator = weakref.ref(iterator)
        return iterator

    def wake(self) -> None:
        """A message waits: wake one task that takes messages."""
        self._takers.unpark()

    def close(self) -> None:
        """The socket has ended: wake all of them."""
        self._takers.unpark_all()

    async def let_others_run(self) -> None:
        """Count a message that is given out, and let other tasks run from time to time."""
        self._streak += 1
        if self._streak >= MESSAGES_BETWEEN_CHECKPOINTS:
            self._streak = 0
            await trio.lowlevel.cancel_shielded_checkpoint()

    async def wait(self) -> None:
        """Wait until a message may be there, or the socket has ended."""
        await self._takers.park()


class MessageMailbox(Mailbox[Message]):
    """The mailbox of an engine's socket. An iteration takes its messages if there is no handler for them."""

    __slots__ = ()

    owner: EnginePeer
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
