"""The mesh: the other workers, each connected to this one by a socketpair."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Sequence

import trio

from trio_socketio.workers._batch import MAX_PACKET_BYTES, BusMessage, pack
from trio_socketio.workers._inbox import Came, Gap, Gone, Inbox
from trio_socketio.workers._pair import Pair
from trio_socketio.workers._peer import Peer

__all__ = ["Mesh"]

LOG = logging.getLogger("trio_socketio.workers")

#: How long to wait for a worker whose queue is full, in seconds. Then messages to it are lost until it has read.
PATIENCE = 0.1


class Mesh:
    """The other workers. Messages and connections are sent to them and received from them.

    Args:
        instance: the instance number of this worker.

    Attributes:
        instance: the instance number of this worker.
        peers: the other workers by instance number.
        inbox: the received messages.
        take_connection: takes a received connection, its descriptor, and the bytes that were read from it.
        rejected: the number of received packets that were ignored, by the kind of their defect.
    """

    def __init__(self, instance: int) -> None:
        self.instance = instance
        self.peers: dict[int, Peer] = {}
        self.inbox = Inbox()
        self.take_connection: Callable[[int, bytes], None] | None = None
        self.rejected: Counter[str] = Counter()
        self._name = ""
        self._lost_before = 0  # by workers that have ended
        self._nursery: trio.Nursery | None = None
        self._joining: list[Peer] = []

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

    def leave(self, instance: int) -> None:
        """Disconnect from another worker, because its process has ended. What it has sent before is received."""
        peer = self.peers.get(instance)
        if peer is not None:
            peer.leave()

    async def _run_peer(self, peer: Peer) -> None:
        try:
            await peer.run()
        finally:
            del self.peers[peer.instance]
            self._lost_before += peer.outgoing.lost
            if peer.name:
                self.inbox.note(Gone(peer.name))

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

    # the owner of peers

    def greeted(self, peer: Peer) -> None:
        """See ``PeerOwner.greeted``."""
        if peer.name:
            self.inbox.note(Came(peer.name))

    def renamed(self, former: str) -> None:
        """See ``PeerOwner.renamed``."""
        self.inbox.note(Gone(former))

    def received(self, messages: list[BusMessage]) -> None:
        """See ``PeerOwner.received``."""
        self.inbox.put(messages)

    def missed(self, reason: str) -> None:
        """See ``PeerOwner.missed``."""
        self.inbox.note(Gap(reason))

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
