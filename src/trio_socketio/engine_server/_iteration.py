"""The iteration over a socket's messages that no handler takes."""

from __future__ import annotations

import weakref
from typing import Protocol

import trio

from trio_socketio.serving import BaseRuntime

__all__ = ["MessageIteration", "MessageIterator"]

#: How many messages an iteration gives out in a row before other tasks run, if nothing waits for anything.
MESSAGES_BETWEEN_CHECKPOINTS = 32


class MessageSource(Protocol):
    """The peer whose messages are iterated over."""

    @property
    def runtime(self) -> BaseRuntime:
        """The running server."""
        ...

    def iterated(self, iteration: MessageIteration) -> None:
        """The iterator of this iteration is gone."""

    async def next_message(self) -> str | bytes | None:
        """Wait for a message; None: there will be no more."""


class MessageIterator:
    """Gives out messages that no handler takes, for as long as a task holds it."""

    __slots__ = ("__weakref__", "_iteration", "_source")

    def __init__(self, source: MessageSource, iteration: MessageIteration) -> None:
        self._source = source
        self._iteration = iteration

    def __del__(self) -> None:
        self._source.runtime.inlet.finalize(self._source.iterated, self._iteration)

    def __aiter__(self) -> MessageIterator:
        return self

    async def __anext__(self) -> str | bytes:
        message = await self._source.next_message()
        if message is None:
            raise StopAsyncIteration
        return message


class MessageIteration:
    """The iteration over a socket's messages: one iterator, which several loops may use at once."""

    __slots__ = ("_iterator", "_streak", "_takers")

    def __init__(self) -> None:
        self._iterator: weakref.ref[MessageIterator] | None = None
        #: how many messages it has given out since other tasks ran
        self._streak = 0
        self._takers = trio.lowlevel.ParkingLot()

    def iterator(self, source: MessageSource) -> MessageIterator:
        """Return the iterator over this peer's messages; a new one if the last one is not used any more."""
        iterator = None if self._iterator is None else self._iterator()
        if iterator is None:
            iterator = MessageIterator(source, self)
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
