"""The bus of the streams adapter: streams for what must not be lost, publish and subscribe for the rest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial

import trio

from trio_socketio.adapters.cluster import Bus, BusRefused
from trio_socketio.adapters.redis._commands import Commands
from trio_socketio.adapters.redis._entries import pack_entry
from trio_socketio.adapters.redis._node import link_of
from trio_socketio.adapters.redis._redis_bus import RedisBus, raise_all, raise_refusals
from trio_socketio.adapters.redis._resp import MAX_REPLY_BYTES
from trio_socketio.adapters.redis._stream_reader import Batch, StreamReader
from trio_socketio.adapters.redis._streams_wire import split_words
from trio_socketio.adapters.redis._url import Address, Deployment

__all__ = ["StreamsBus"]

Messages = Sequence[tuple[str, bytes]]

#: Published messages, or entries of a stream, or why a connection has ended.
Received = Messages | Batch | OSError
Send = trio.MemorySendChannel[Received]
Read = Callable[[], Awaitable[Received | None]]

#: How many batches of received messages may wait. Then the connections are not read.
MOST_BATCHES = 4


class StreamsBus(Bus):
    """Appends to streams and reads them; other channels are those of ``PubSubBus`` or ``ShardedBus``.

    Each stream is read on a connection of its own, by a task in ``nursery``.

    Args:
        pubsub: the bus for the other channels.
        max_len: about how many entries a stream keeps.
        is_sealed: whether messages are sealed. Then an entry has the one field ``sealed``.

    Attributes:
        nursery: where the tasks run that read. It must be set before ``connect``.
        streams: the readers of the streams by key. Their keys are channels of this bus.
    """

    counts_subscribers = True
    keeps_history = True

    def __init__(self, pubsub: RedisBus, max_len: int, *, is_sealed: bool) -> None:
        self.max_publish_bytes = pubsub.max_publish_bytes
        self.publish_timeout = pubsub.publish_timeout
        self.check_interval = pubsub.check_interval
        self.nursery: trio.Nursery | None = None
        self.streams: dict[str, StreamReader] = {}
        self._pubsub = pubsub
        self._max_len, self._is_sealed = max_len, is_sealed
        self._writers: dict[Address, Commands] = {}
        self._writer_of: dict[str, Commands] = {}
        self._readers: list[Commands] = []
        self._scopes: list[trio.CancelScope] = []
        self._send, self._receive = trio.open_memory_channel[Received](MOST_BATCHES)

    async def connect(self) -> None:
        """See ``Bus.connect``."""
        await self.aclose()
        self._send, self._receive = trio.open_memory_channel[Received](MOST_BATCHES)
        await self._pubsub.connect()
        self._start(self._pubsub.receive)

    def _start(self, read: Read) -> None:
        scope = trio.CancelScope()
        self._scopes.append(scope)
        assert self.nursery is not None
        self.nursery.start_soon(self._pump, scope, self._send, read, name="redis reader")

    async def _pump(self, scope: trio.CancelScope, send: Send, read: Read) -> None:
        """Pass on what is read until the connection ends. Its failure is passed on, too."""
        with scope:
            try:
                while True:
                    received = await read()
                    if received is not None:
                        await send.send(received)
            except OSError as error:
                await send.send(error)

    # subscriptions

    async def subscribe(self, channels: Collection[str]) -> None:
        """See ``Bus.subscribe``."""
        for stream in self.streams.keys() & set(channels):
            await self._open(stream)
        await self._pubsub.subscribe([channel for channel in channels if channel not in self.streams])

    async def unsubscribe(self, channels: Collection[str]) -> None:
        """See ``Bus.unsubscribe``. Streams are read until the link ends."""
        await self._pubsub.unsubscribe([channel for channel in channels if channel not in self.streams])

    async def _open(self, stream: str) -> None:
        """Open the connections for a stream, and begin to read it."""
        address = await self._address(stream)
        if address not in self._writers:
            self._writers[address] = await self._pubsub.dialer.commands(address)
        self._writer_of[stream] = self._writers[address]
        # An entry is at most a third larger than the message, since binary is base64.
        largest = max(MAX_REPLY_BYTES, 2 * self.max_publish_bytes)
        commands = await self._pubsub.dialer.commands(address, max_reply_bytes=largest)
        self._readers.append(commands)
        reader = self.streams[stream]
        await reader.begin(commands)
        self._start(partial(reader.read, commands))

    async def _address(self, stream: str) -> Address:
        servers = self._pubsub.servers
        if self._pubsub.url.deployment is Deployment.CLUSTER:
            return (await servers.cluster()).master_of(stream.encode())
        address, commands = await servers.primary()
        if address in self._writers:
            await commands.connection.aclose()
        else:
            self._writers[address] = commands
        return address

    # messages

    async def receive(self) -> Messages:
        """See ``Bus.receive``."""
        while True:
            received = await self._receive.receive()
            if isinstance(received, OSError):
                raise received
            if not isinstance(received, Batch):
                return received
            received.reader.delivered(received.last)
            if received.contents:
                return [(received.reader.stream, content) for content in received.contents]

    async def publish(self, batch: Messages) -> None:
        """See ``Bus.publish``. The order is kept in each stream, and among the other channels."""
        refusals: list[BusRefused] = []
        others = [item for item in batch if item[0] not in self.streams]
        if others:
            try:
                await self._pubsub.publish(others)
            except BusRefused as error:
                refusals.append(error)
        by_writer: dict[Commands, list[bytes]] = {}
        for stream, message in batch:
            if stream in self.streams:
                writer = link_of(self._writer_of.get(stream))
                by_writer.setdefault(writer, []).append(self._pack(stream, message))
        for writer, entries in by_writer.items():
            replies = await writer.exchange(b"".join(entries), len(entries))
            try:
                raise_refusals(writer, replies)
            except BusRefused as error:
                refusals.append(error)
        raise_all(refusals)

    def _pack(self, stream: str, message: bytes) -> bytes:
        words = [b"sealed", message] if self._is_sealed else split_words(message)
        return pack_entry(stream.encode(), self._max_len, words)

    async def count(self, channel: str) -> int:
        """See ``Bus.count``."""
        return await self._pubsub.count(channel)

    async def check(self) -> None:
        """See ``Bus.check``."""
        await self._pubsub.check()

    async def aclose(self) -> None:
        """See ``Bus.aclose``."""
        for scope in self._scopes:
            scope.cancel()
        connections = [*self._readers, *self._writers.values()]
        self._scopes, self._readers, self._writers, self._writer_of = [], [], {}, {}
        for commands in connections:
            await commands.connection.aclose()
        await self._pubsub.aclose()
