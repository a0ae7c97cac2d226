"""The iteration over messages of a socket that has no handler for them."""

from __future__ import annotations

import weakref
from typing import Protocol

import trio

from trio_socketio.serving import BaseRuntime

__all__ = ["MessageIteration", "MessageIterator"]

#: How many messages an iteration returns before a checkpoint, so that other tasks run even if the loop never waits.
MESSAGES_BETWEEN_CHECKPOINTS = 32


class MessageSource(Protocol):
    """The peer whose messages are iterated over."""

    @property
    def runtime(self) -> BaseRuntime:
        """The running server."""
        ...

    def iterated(self, iteration: MessageIteration) -> None:
        """End this iteration, whose iterator was deleted."""

    async def next_message(self) -> str | bytes | None:
        """Wait for a message. Return None if the iteration has ended."""


class MessageIterator:
    """An iterator over the messages that have no handler. The iteration ends when the iterator is deleted."""

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
    """The iteration over the messages of a socket. It has one iterator, which several loops may share."""

    __slots__ = ("_iterator", "_streak", "_takers")

    def __init__(self) -> None:
        self._iterator: weakref.ref[MessageIterator] | None = None
        #: how many messages were returned since the last checkpoint
        self._streak = 0
        self._takers = trio.lowlevel.ParkingLot()

    def iterator(self, source: MessageSource) -> MessageIterator:
        """Return the iterator over the messages of this peer. Make a new one if the last one was deleted."""
        iterator = None if self._iterator is None else self._iterator()
        if iterator is None:
            iterator = MessageIterator(source, self)
            self._iterator = weakref.ref(iterator)
        return iterator

    def wake(self) -> None:
        """Wake one task in ``wait``, because a message waits."""
        self._takers.unpark()

    def close(self) -> None:
        """Wake all tasks in ``wait``, because the socket has ended."""
        self._takers.unpark_all()

    async def let_others_run(self) -> None:
        """Count a message, and run a checkpoint after every ``MESSAGES_BETWEEN_CHECKPOINTS`` messages."""
        self._streak += 1
        if self._streak >= MESSAGES_BETWEEN_CHECKPOINTS:
            self._streak = 0
            await trio.lowlevel.cancel_shielded_checkpoint()

    async def wait(self) -> None:
        """Wait until ``wake`` or ``close``."""
        await self._takers.park()
