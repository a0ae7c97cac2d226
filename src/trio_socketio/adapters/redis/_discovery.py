"""Finding servers: the master that a Sentinel names, and the nodes of a cluster."""

from __future__ import annotations

from typing import Any

from coredis import Redis
from coredis.commands.constants import CommandName

from trio_socketio.adapters.cluster import BusError
from trio_socketio.adapters.redis._cluster_map import ClusterMap, read_map
from trio_socketio.adapters.redis._coredis import execute
from trio_socketio.adapters.redis._dial import Dialer, name_of
from trio_socketio.adapters.redis._url import Address

__all__ = ["find_master", "find_nodes"]


async def find_master(dialer: Dialer, sentinel: Address, service: str) -> Address:
    """Ask a Sentinel for the address of a master.

    Args:
        dialer: opens the connection to the Sentinel.
        sentinel: the address of the Sentinel.
        service: the name under which the Sentinels know the master.

    Raises:
        OSError: the Sentinel does not answer, or does not know the service.
    """

    async def send(client: Redis[bytes]) -> tuple[str, int] | None:
        return await client.sentinel_get_master_addr_by_name(service)

    master = await execute(dialer, sentinel, "SENTINEL", send)
    if master is None:
        raise BusError(f"{name_of(sentinel)} knows no service {service!r}")
    host, port = master
    if not 0 < port < 65536:
        raise BusError(f"{name_of(sentinel)} names the port {str(port)[:10]}")
    return host, port


async def find_nodes(dialer: Dialer, address: Address) -> ClusterMap:
    """Ask a node of a cluster for the map of the cluster.

    Args:
        dialer: opens the connection to the node.
        address: the address of the node.

    Raises:
        OSError: the node does not answer, or knows no nodes.
    """

    async def send(client: Redis[bytes]) -> Any:
        # Client.cluster_slots() raises ValueError if a node has no host (cluster-preferred-endpoint-type).
        return await client.create_request(CommandName.CLUSTER_SLOTS, callback=lambda reply: reply)

    return read_map(address[0], await execute(dialer, address, "CLUSTER SLOTS", send))
