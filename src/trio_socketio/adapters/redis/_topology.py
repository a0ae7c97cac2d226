"""Which servers to connect to: the one of the URL, the master that Sentinels name, or the nodes of a cluster.

Both questions are one command each, so they go over connections of ours, with their deadlines and their TLS.
"""

from __future__ import annotations

from binascii import crc_hqx
from bisect import bisect_right
from dataclasses import dataclass

import trio

from trio_socketio.adapters.cluster import BusError
from trio_socketio.adapters.redis._commands import Commands
from trio_socketio.adapters.redis._dial import Dialer
from trio_socketio.adapters.redis._resp import CommandError, Reply
from trio_socketio.adapters.redis._url import Address, Deployment, RedisUrl

__all__ = ["ClusterMap", "Servers", "slot_of"]

SLOTS = 16384

#: How many ranges of slots a server may list. A cluster has at most 1000 nodes by recommendation.
MOST_RANGES = SLOTS


def slot_of(channel: bytes) -> int:
    """Return the slot of a key or a sharded channel (Redis cluster specification, "Key distribution model")."""
    tag, end, _ = channel.partition(b"{")[2].partition(b"}")
    return crc_hqx(tag if tag and end else channel, 0) % SLOTS


@dataclass(frozen=True)
class ClusterMap:
    """Which node of a cluster has which slots.

    Attributes:
        starts: the first slot of each range, in order.
        ends: the last slot of each range.
        masters: the master of each range.
        nodes: all nodes, replicas included.
    """

    starts: list[int]
    ends: list[int]
    masters: list[Address]
    nodes: set[Address]

    def master_of(self, channel: bytes) -> Address:
        """Return the address of the master that has the slot of a channel.

        Raises:
            BusError: no node has it.
        """
        slot = slot_of(channel)
        index = bisect_right(self.starts, slot) - 1
        if index < 0 or slot > self.ends[index]:
            raise BusError(f"no node of the Redis cluster has slot {slot}")
        return self.masters[index]


class Servers:
    """Finds the servers of a URL, anew at each call.

    Args:
        url: the URL.
        dialer: opens connections to the servers.
        sentinel_dialer: opens connections to the Sentinels.
    """

    def __init__(self, url: RedisUrl, dialer: Dialer, sentinel_dialer: Dialer) -> None:
        self._url, self._dialer, self._sentinel_dialer = url, dialer, sentinel_dialer

    async def primary(self) -> tuple[Address, Commands]:
        """Connect to the server, to the current master behind the Sentinels, or to any node of the cluster.

        Raises:
            OSError: there is none.
        """
        errors: list[str] = []
        for address in self._url.addresses:
            try:
                is_sentinel = self._url.deployment is Deployment.SENTINEL
                server = await self._master_by(address) if is_sentinel else address
                return server, await self._connect(server)
            except OSError as error:
                if len(self._url.addresses) == 1:
                    raise
                errors.append(str(error))
        raise BusError("; ".join(errors))

    async def _master_by(self, sentinel: Address) -> Address:
        """Return the address of the master that a Sentinel names."""
        service = self._url.service
        commands = await self._sentinel_dialer.commands(sentinel)
        try:
            match await _execute(commands, b"SENTINEL", b"get-master-addr-by-name", service.encode()):
                case [bytes() as host, bytes() as port] if port.isdigit():
                    return host.decode(errors="replace"), int(port)
            raise BusError(f"{commands.connection.name} knows no service {service!r}")
        finally:
            await commands.connection.aclose()

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

    async def cluster(self) -> ClusterMap:
        """Ask the nodes of the URL, one after the other, for the map of the cluster.

        Raises:
            OSError: no node has answered.
        """
        address, commands = await self.primary()
        try:
            return _map(commands, address[0], await _execute(commands, b"CLUSTER", b"SLOTS"))
        finally:
            await commands.connection.aclose()


async def _execute(commands: Commands, *words: bytes) -> Reply:
    try:
        return await commands.execute(*words)
    except CommandError as error:
        raise BusError(f"{commands.connection.name} refuses {words[0].decode()}: {error}") from None


def _map(commands: Commands, asked: str, reply: Reply) -> ClusterMap:
    """Read the reply to CLUSTER SLOTS. A node without a host is at the host that was asked."""
    ranges: list[tuple[int, int, Address]] = []
    nodes: set[Address] = set()
    for item in reply if isinstance(reply, list) else ():
        match item:
            case [int() as start, int() as end, [_, int(), *_], *_] if 0 <= start <= end < SLOTS:
                members = [_node(asked, node) for node in item[2:]]
                ranges.append((start, end, members[0]))
                nodes.update(members)
            case _:
                raise commands.connection.fail("sends a malformed map of the cluster")
    if not ranges or len(ranges) > MOST_RANGES:
        raise commands.connection.fail("sends no map of the cluster")
    ranges.sort(key=lambda item: item[0])
    starts, ends, masters = map(list, zip(*ranges, strict=True))
    return ClusterMap(starts, ends, masters, nodes)


def _node(asked: str, node: Reply) -> Address:
    match node:
        case [bytes() as host, int() as port, *_] if host:
            return host.decode(errors="replace"), port
        case [_, int() as port, *_]:
            return asked, port
        case _:
            raise BusError("a Redis cluster sends a malformed map")
