"""The adapter for servers that are connected by any bus."""

from __future__ import annotations

from typing import Any

from trio_socketio.adapters._members import NamespaceHost
from trio_socketio.adapters.cluster._adapter import ClusterAdapter
from trio_socketio.adapters.cluster._bus import Bus
from trio_socketio.adapters.cluster._cluster import Cluster
from trio_socketio.adapters.cluster._envelope_adapter import EnvelopeAdapter

__all__ = ["BusAdapter"]


class BusAdapter(Cluster):
    """Connects servers by a bus: ``Server(adapter=BusAdapter(MyBus(…)))``.

    Args:
        bus: the bus.
        channel_prefix: what the names of all channels begin with. Clusters with different prefixes can share a bus.
        **options: see ``Cluster``.
    """

    def __init__(self, bus: Bus, *, channel_prefix: str = "socket.io", **options: Any) -> None:
        super().__init__(bus, **options)
        self._channel_prefix = channel_prefix

    def make_adapter(self, host: NamespaceHost[Any]) -> ClusterAdapter[Any]:
        """See ``Cluster.make_adapter``."""
        return EnvelopeAdapter(host, self, self._channel_prefix)
