"""The mesh: the other workers, each connected to this one by a socketpair."""

from __future__ import annotations

import logging
import os
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import trio

from trio_socketio._signal import Signal
from trio_socketio.adapters import BusError
from trio_socketio.workers._batch import MAX_PACKET_BYTES, BusMessage, pack
from trio_socketio.workers._pair import Pair
from trio_socketio.workers._peer import Peer

__all__ = ["Mesh"]

LOG = logging.getLogger("trio_socketio.workers")

#: How long to wait for a worker whose queue is full, in seconds. Then messages to it are lost until it has read.
PATIENCE = 0.1

#: How many bytes of received messages may wait for the adapter, and how many each message counts more than its content.
INBOX_BYTES, OVERHEAD_BYTES = 16_777_216, 128

#: How many messages ``receive`` returns at once.
MESSAGES_AT_ONCE = 256


class Came(NamedTuple):
    """A worker has joined, or has a new name."""

    name: str


class Gone(NamedTuple):
    """The worker with this name has ended, or has another name."""

    name: str


class Gap(NamedTuple):
    """Messages were lost."""

    reason: str


class Mesh:
    """The other workers. It serves as their bus, and carries connections between them.

    It has a queue of received messages, which one adapter reads. While there is no adapter, messages are dropped.

    Args:
        instance: the instance number of this worker.

    Attributes:
        instance: the instance number of this worker.
        peers: the other workers by instance number.
        take_connection: takes a received connection, its descriptor, and the bytes that were read from it.
        rejected: the number of received packets that were ignored, by the kind of their defect.
    """

    def __init__(self, instance: int) -> None:
        self.instance = instance
        self.peers: dict[int, Peer] = {}
        self.take_connection: Callable[[int, bytes], None] | None = None
        self.rejected: Counter[str] = Counter()
        self._name = ""
        self._lost_before = 0  # by workers that have ended
        self._nursery: trio.Nursery | None = None
        self._joining: list[Peer] = []
        self._channels: set[str] | None = None
        self._inbox: deque[BusMessage | Came | Gone | Gap] = deque()
        self._inbox_bytes = 0
        self._arrived = Signal()

    # workers

    async def run(self) -> None:
        """Connect to the other workers until cancelled. Start it before the server, and cancel it after that."""
        try:
            async with trio.open_nursery() as self._nursery:
                for peer in self._joining:
                    self._nursery.start_soon(self._run_peer, peer, name=f"worker {peer.instance}")
                self._joining.clear()
                await trio.sleep_forever()
        finally:
            self._nursery = None

    def join(self, instance: int, pair: Pair) -> None:
        """Connect to another worker.

        Args:
            instance: its instance number.
            pair: the socketpair to it, made by ``Mesh.pair`` or ``Mesh.adopt``. It belongs to the mesh from now on.

        Raises:
            ValueError: there is a worker with this number.
        """
        if instance == self.instance or instance in self.peers:
            pair.close()
            raise ValueError(f"there is a worker {instance} already")
        peer = self.peers[instance] = Peer(instance, pair, self)
        peer.greet(self._name)
        if self._nursery is None:
            self._joining.append(peer)
        else:
            self._nursery.start_soon(self._run_peer, peer, name=f"worker {instance}")

    async def _run_peer(self, peer: Peer) -> None:
        try:
            await peer.run()
        finally:
            del self.peers[peer.instance]
            self._lost_before += peer.outgoing.lost
            if peer.name:
                self._append(Gone(peer.name))

    @staticmethod
    def adopt(descriptor: int) -> Pair:
        """Return the socketpair with this descriptor, for ``join``; see ``Pair.adopt``."""
        return Pair.adopt(descriptor, MAX_PACKET_BYTES)

    @staticmethod
    def pair() -> tuple[Pair, Pair]:
        """Return the two ends of a new socketpair, for ``join`` in two workers."""
        return Pair.make(MAX_PACKET_BYTES)

    def announce(self, name: str) -> None:
        """Tell all workers the id of this one in the cluster."""
        self._name = name
        for peer in self.peers.values():
            peer.greet(name)

    @property
    def lost(self) -> int:
        """How many messages were lost because other workers did not read, counted once for each of them."""
        return self._lost_before + sum(peer.outgoing.lost for peer in self.peers.values())

    # publishing

    async def publish(self, batch: Sequence[BusMessage]) -> None:
        """Send messages to all other workers. A worker that does not read delays this once, for ``PATIENCE``."""
        await trio.lowlevel.checkpoint()
        for packet, count in pack(batch):
            full = [peer for peer in self.peers.values() if not peer.outgoing.put(packet, count)]
            if full:
                await self._insist(full, packet, count)

    async def _insist(self, full: list[Peer], packet: bytes, count: int) -> None:
        """Send a packet to workers whose queues are full, if they read within ``PATIENCE``."""
        deadline = trio.current_time() + PATIENCE
        for peer in full:
            with trio.move_on_at(deadline):
                await peer.outgoing.room()
            if not peer.outgoing.put(packet, count):
                LOG.warning("worker %d does not read: messages to it are lost until it does", peer.instance)
                peer.outgoing.lose(count)

    # receiving

    def open(self) -> None:
        """Begin to keep messages for ``receive``. No channel is subscribed to."""
        if self._channels is None:
            self._inbox.clear()
            self._inbox_bytes = 0
        self._channels = set()

    @property
    def channels(self) -> set[str]:
        """The channels whose messages are kept."""
        return set() if self._channels is None else self._channels

    async def receive(self, came: Callable[[str], None], gone: Callable[[str], None]) -> list[BusMessage]:
        """Wait for messages, and return at least one.

        Args:
            came: called with the name of a worker that has joined, before later messages of it are returned.
            gone: called with the name of a worker that has ended, after all its messages were returned.

        Raises:
            BusError: messages of other workers were lost.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        messages: list[BusMessage] = []
        while not messages:
            while not self._inbox:
                await self._arrived.wait()
            messages = self._next(came, gone)
        return messages

    def _next(self, came: Callable[[str], None], gone: Callable[[str], None]) -> list[BusMessage]:
        messages: list[BusMessage] = []
        while self._inbox and len(messages) < MESSAGES_AT_ONCE:
            item = self._inbox[0]
            if messages and isinstance(item, Came | Gone | Gap):
                break
            self._inbox.popleft()
            if isinstance(item, Came):
                came(item.name)
            elif isinstance(item, Gone):
                gone(item.name)
            elif isinstance(item, Gap):
                raise BusError(item.reason)
            else:
                self._inbox_bytes -= len(item[1]) + OVERHEAD_BYTES
                messages.append(item)
        return messages

    def _append(self, item: BusMessage | Came | Gone | Gap) -> None:
        if self._channels is not None:
            self._inbox.append(item)
            self._arrived.set()

    # the owner of peers

    def greeted(self, peer: Peer) -> None:
        """See ``PeerOwner.greeted``."""
        if peer.name:
            self._append(Came(peer.name))

    def renamed(self, former: str) -> None:
        """See ``PeerOwner.renamed``."""
        self._append(Gone(former))

    def received(self, messages: list[BusMessage]) -> None:
        """See ``PeerOwner.received``."""
        channels = self._channels
        if channels is None:
            return
        for message in messages:
            if message[0] not in channels:
                continue
            if self._inbox_bytes + len(message[1]) + OVERHEAD_BYTES > INBOX_BYTES:
                if not isinstance(self._inbox[-1], Gap):
                    self._append(Gap("messages of other workers were lost: the server could not keep up"))
                continue
            self._inbox_bytes += len(message[1]) + OVERHEAD_BYTES
            self._append(message)

    def missed(self, peer: Peer, count: int) -> None:
        """See ``PeerOwner.missed``."""
        self._append(Gap(f"worker {peer.instance} could not send {count} messages: this worker did not read"))

    def connection(self, descriptor: int, received: bytes) -> None:
        """See ``PeerOwner.connection``."""
        if self.take_connection is None:
            os.close(descriptor)
        else:
            self.take_connection(descriptor, received)

    def reject(self, peer: Peer, kind: str) -> None:
        """See ``PeerOwner.reject``. The first of each kind is logged."""
        if kind not in self.rejected:
            LOG.warning("a packet of worker %d is ignored (%s); the others are counted", peer.instance, kind)
        self.rejected[kind] += 1
