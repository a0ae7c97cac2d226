"""Another worker, as this one sees it."""

from __future__ import annotations

import logging
from typing import Protocol

import msgspec
import trio

from trio_socketio.workers._batch import BusMessage, unpack
from trio_socketio.workers._outgoing import Kind, Outgoing
from trio_socketio.workers._packet import BadPacket, Packet, close_all
from trio_socketio.workers._pair import Pair, PairClosed

__all__ = ["MESH_VERSION", "Peer", "PeerOwner"]

LOG = logging.getLogger("trio_socketio.workers")

#: The version of the packets between workers. A worker of another version is no part of the mesh.
MESH_VERSION = 1

#: How many packets of one worker are read before other tasks run.
PACKETS_BETWEEN_CHECKPOINTS = 32


class Hello(msgspec.Struct):
    """The first packet of a worker. It is sent again when ``name`` changes.

    Attributes:
        version: its ``MESH_VERSION``.
        name: its id in the cluster; blank if it has none.
    """

    version: int
    name: str = ""


class PeerOwner(Protocol):
    """The mesh, as a ``Peer`` uses it."""

    def greeted(self, peer: Peer) -> None:
        """Take note of the name of a worker."""

    def renamed(self, former: str) -> None:
        """Forget the former name of a worker."""

    def received(self, messages: list[BusMessage]) -> None:
        """Take messages of the bus."""

    def missed(self, reason: str) -> None:
        """Take note that messages to this worker were lost."""

    def connection(self, descriptor: int, received: bytes) -> None:
        """Take a connection, and close its descriptor in the end."""

    def reject(self, peer: Peer, kind: str) -> None:
        """Count a packet that is ignored."""


class Peer:
    """Another worker: its packets are read here, and sent by ``outgoing``.

    Args:
        instance: its instance number.
        pair: the socketpair to it. It belongs to this object from now on.
        owner: the mesh.

    Attributes:
        instance: its instance number.
        name: its id in the cluster; blank if it has none.
        outgoing: what waits to be sent to it.
    """

    def __init__(self, instance: int, pair: Pair, owner: PeerOwner) -> None:
        self.instance = instance
        self.name = ""
        self.outgoing = Outgoing(pair)
        self._pair = pair
        self._owner = owner
        self._version: int | None = None
        self._greeted = trio.Event()
        self._left = trio.Event()

    @property
    def is_ours(self) -> bool:
        """Whether the worker has said that it has the same version."""
        return self._version == MESH_VERSION and not self.outgoing.is_closed

    @property
    def is_foreign(self) -> bool:
        """Whether the worker has another version, or has ended."""
        return self._version not in (None, MESH_VERSION) or self.outgoing.is_closed

    async def greeted(self) -> None:
        """Wait until the worker has told its version, or has ended."""
        await self._greeted.wait()

    def greet(self, name: str) -> None:
        """Tell the worker the version and the name of this one."""
        self.outgoing.announce(msgspec.json.encode(Hello(MESH_VERSION, name)))

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Send and receive until the worker has ended or this is cancelled. Then close the pair."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.outgoing.run)
                nursery.start_soon(self._read)
                await self._left.wait()
                nursery.cancel_scope.cancel()
            while self._read_some():
                pass
        finally:
            self.leave()
            self._pair.end()
            self._pair.close()

    def leave(self) -> None:
        """Send nothing more, and end ``run`` when all received packets are read: the worker has ended.

        The pair alone does not tell this if a process that the worker has forked goes on with a copy of it.
        """
        self.outgoing.close()
        self._greeted.set()
        self._left.set()

    async def _read(self) -> None:
        while not self._left.is_set():
            await self._pair.wait_readable()
            self._read_some()

    def _read_some(self) -> bool:
        """Take some packets; returns whether there may be more of them now."""
        for _ in range(PACKETS_BETWEEN_CHECKPOINTS):
            try:
                packet = self._pair.receive_nowait()
            except BadPacket as error:
                if error.is_large:
                    self.outgoing.received_large()
                    self._owner.missed(f"a large packet of worker {self.instance} was lost: {error.kind}")
                self._owner.reject(self, error.kind)
            except PairClosed:
                self.leave()
                return False
            except OSError as error:
                LOG.warning("worker %d is given up: %s", self.instance, error)
                self.leave()
                return False
            else:
                if packet is None:
                    return False
                self._take(packet)
        return True

    def _take(self, packet: Packet) -> None:
        kind, content, descriptors, is_large = packet
        if is_large:
            self.outgoing.received_large()
        try:
            if kind == Kind.HELLO:
                self._hello(content)
            elif self._version != MESH_VERSION:
                pass  # the log says so already
            elif kind == Kind.MESSAGES:
                self._owner.received(unpack(content))
            elif kind == Kind.CONNECTION and len(descriptors) == 1:
                descriptors = ()
                self._owner.connection(packet.descriptors[0], content)
            elif kind == Kind.LOST and content.isdigit() and len(content) < 20:
                self._owner.missed(
                    f"worker {self.instance} could not send {int(content)} messages: this worker did not read"
                )
            elif kind == Kind.TAKEN and content.isdigit() and len(content) < 20:
                self.outgoing.taken(int(content))
            else:
                raise BadPacket("garbage")
        except BadPacket as error:
            self._owner.reject(self, error.kind)
        finally:
            close_all(descriptors)

    def _hello(self, content: bytes) -> None:
        try:
            hello = msgspec.json.decode(content, type=Hello)
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise BadPacket("garbage") from None
        former, self.name = self.name, hello.name
        if self._version is None and hello.version != MESH_VERSION:
            LOG.warning(
                "worker %d has version %d of the protocol between workers, and this one has %d: they do not reach each "
                "other's clients until both run the same code",
                self.instance,
                hello.version,
                MESH_VERSION,
            )
        self._version = hello.version
        self._greeted.set()
        if former not in ("", hello.name):
            self._owner.renamed(former)
        if self.is_ours:
            self._owner.greeted(self)
