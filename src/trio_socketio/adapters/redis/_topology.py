"""Which servers to connect to: the one of the URL, the master that Sentinels name, or the nodes of a cluster."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import trio

from trio_socketio.adapters.cluster import BusError
from trio_socketio.adapters.redis._cluster_map import ClusterMap
from trio_socketio.adapters.redis._commands import Commands
from trio_socketio.adapters.redis._dial import Dialer
from trio_socketio.adapters.redis._resp import CommandError
from trio_socketio.adapters.redis._url import Address, Deployment, RedisUrl

__all__ = ["Servers"]

T = TypeVar("T")


def _require_coredis() -> None:
    """Import coredis now, since it takes a tenth of a second.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import coredis  # noqa: F401, PLC0415
    except ImportError:
        raise ImportError(
            "Sentinels and clusters of Redis need more packages: pip install 'trio-socketio[redis]'"
        ) from None


class Servers:
    """Finds the servers of a URL, anew at each call.

    Args:
        url: the URL.
        dialer: opens connections to the servers.
        sentinel_dialer: opens connections to the Sentinels.

    Raises:
        ImportError: coredis is not installed, and the URL is that of Sentinels or of a cluster.
    """

    def __init__(self, url: RedisUrl, dialer: Dialer, sentinel_dialer: Dialer) -> None:
        if url.deployment is not Deployment.STANDALONE:
            _require_coredis()
        self._url, self._dialer, self._sentinel_dialer = url, dialer, sentinel_dialer

    async def primary(self) -> tuple[Address, Commands]:
        """Connect to the server, to the current master behind the Sentinels, or to any node of the cluster.

        Raises:
            OSError: there is none.
        """
        return await self._first(self._primary_by)

    async def cluster(self) -> ClusterMap:
        """Ask the nodes of the URL, one after the other, for the map of the cluster.

        Raises:
            OSError: no node has answered.
        """
        from trio_socketio.adapters.redis._discovery import find_nodes  # noqa: PLC0415

        return await self._first(partial(find_nodes, self._dialer))

    async def _first(self, ask: Callable[[Address], Awaitable[T]]) -> T:
        """Return the first answer among those of the addresses of the URL."""
        errors: list[str] = []
        for address in self._url.addresses:
            try:
                return await ask(address)
            except OSError as error:
                if len(self._url.addresses) == 1:
                    raise
                errors.append(str(error))
        raise BusError("; ".join(errors))

    async def _primary_by(self, address: Address) -> tuple[Address, Commands]:
        if self._url.deployment is Deployment.SENTINEL:
            from trio_socketio.adapters.redis._discovery import find_master  # noqa: PLC0415

            address = await find_master(self._sentinel_dialer, address, self._url.service)
        return address, await self._connect(address)

    async def _connect(self, address: Address) -> Commands:
        commands = await self._dialer.commands(address)
        try:
            await self.check(commands)
        except BaseException:
            await commands.connection.aclose()
            raise
        return commands

    async def check(self, commands: Commands) -> None:
        """Check that a server outside of a cluster is a master, unless the user may not ask for that.

        What is published on a replica does not reach its master. In a cluster it reaches all nodes.

        Raises:
            BusError: it is none, or the connection has ended.
        """
        if self._url.deployment is Deployment.CLUSTER:
            await trio.lowlevel.checkpoint()
            return
        try:
            reply = await commands.execute(b"ROLE")
        except CommandError:
            return
        match reply:
            case [b"slave", bytes() as host, int() as port, *_]:
                master = f"{host.decode(errors='replace')}:{port}"
                raise BusError(f"{commands.connection.name} is a replica of {master}")
            case [b"sentinel", *_]:
                raise BusError(f"{commands.connection.name} is a Sentinel: use redis+sentinel://")
