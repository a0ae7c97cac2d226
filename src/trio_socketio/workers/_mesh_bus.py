"""The mesh as the bus of a cluster, and the adapter of a server that uses it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import trio

from trio_socketio.adapters import AdapterHealth, Bus, BusAdapter, NamespaceHost
from trio_socketio.adapters.cluster import ClusterAdapter, EnvelopeAdapter
from trio_socketio.workers._batch import MAX_MESSAGE_BYTES
from trio_socketio.workers._mesh import Mesh

__all__ = ["MeshAdapter", "MeshBus"]


class MeshBus(Bus):
    """The bus between the workers of one host.

    Args:
        mesh: the mesh.

    Attributes:
        came: called with the name of a worker that has joined.
        gone: called with the name of a worker that has ended.
    """

    max_publish_bytes = MAX_MESSAGE_BYTES

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._inbox = mesh.inbox
        self._channels: set[str] = set()
        self.came: Callable[[str], None]
        self.gone: Callable[[str], None]

    async def connect(self) -> None:
        """See ``Bus.connect``. The socketpairs stay connected all the time; only the subscriptions are gone."""
        await trio.lowlevel.checkpoint()
        self._channels = self._inbox.channels = set()

    async def publish(self, batch: Sequence[tuple[str, bytes]]) -> None:
        """See ``Bus.publish``."""
        await self._mesh.publish(batch)

    async def subscribe(self, channels: Collection[str]) -> None:
        """See ``Bus.subscribe``. All messages arrive anyway, and those of other channels are dropped."""
        await trio.lowlevel.checkpoint()
        self._channels.update(channels)

    async def unsubscribe(self, channels: Collection[str]) -> None:
        """See ``Bus.unsubscribe``."""
        await trio.lowlevel.checkpoint()
        self._channels.difference_update(channels)

    async def receive(self) -> Sequence[tuple[str, bytes]]:
        """See ``Bus.receive``."""
        return await self._inbox.receive(self.came, self.gone)

    async def aclose(self) -> None:
        """See ``Bus.aclose``. Messages that have arrived are kept for the next ``connect``."""
        await trio.lowlevel.checkpoint()


class MeshAdapter(BusAdapter):
    """Connects the servers of several workers of one host.

    Args:
        mesh: the mesh of this worker.
        **options: see ``BusAdapter``.
    """

    def __init__(self, mesh: Mesh, **options: Any) -> None:
        bus = MeshBus(mesh)
        super().__init__(bus, **options)
        self._namespaces: list[EnvelopeAdapter[Any]] = []
        bus.came, bus.gone = self._worker_came, self._worker_gone
        self._mesh = mesh
        mesh.announce(self.uid)

    def make_adapter(self, host: NamespaceHost[Any]) -> ClusterAdapter[Any]:
        """See ``Cluster.make_adapter``."""
        adapter = super().make_adapter(host)
        assert isinstance(adapter, EnvelopeAdapter)
        self._namespaces.append(adapter)
        return adapter

    def rename(self) -> None:
        """See ``Cluster.rename``."""
        super().rename()
        self._mesh.announce(self.uid)

    def _worker_came(self, name: str) -> None:
        """Tell a new worker which namespaces this server has, because it may have missed the last heartbeats."""
        for adapter in self._namespaces:
            adapter.heartbeat(initial=False)

    def _worker_gone(self, name: str) -> None:
        """Forget the server of a worker that has ended: no request waits for it any more."""
        for adapter in self._namespaces:
            adapter.nodes.remove(name)

    def health(self) -> AdapterHealth:
        """See ``Cluster.health``. A message that one worker did not get counts as dropped."""
        health = super().health()
        return replace(health, dropped=health.dropped + self._mesh.lost)
