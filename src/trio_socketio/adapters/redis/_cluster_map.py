"""Which node of a cluster has a channel (Redis cluster specification, "Key distribution model")."""

from __future__ import annotations

from binascii import crc_hqx
from bisect import bisect_right
from dataclasses import dataclass

from trio_socketio.adapters.cluster import BusError
from trio_socketio.adapters.redis._resp import Reply
from trio_socketio.adapters.redis._url import Address

__all__ = ["ClusterMap", "read_map", "slot_of"]

SLOTS = 16384


def slot_of(channel: bytes) -> int:
    """Return the slot of a key or a sharded channel."""
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


def read_map(host: str, reply: Reply) -> ClusterMap:
    """Read the reply to CLUSTER SLOTS.

    Args:
        host: the host that was asked. A node without a host is there.
        reply: the reply.

    Raises:
        BusError: it is malformed, or no node has a slot.
    """
    ranges: list[tuple[int, int, Address]] = []
    nodes: set[Address] = set()
    for item in reply if isinstance(reply, list) else ():
        match item:
            case [int() as start, int() as end, _, *_] if 0 <= start <= end < SLOTS:
                members = [_node(host, node) for node in item[2:]]
                ranges.append((start, end, members[0]))
                nodes.update(members)
            case _:
                raise BusError("the Redis cluster sends a malformed map")
    if not ranges or len(ranges) > SLOTS:
        raise BusError("the Redis cluster sends no map")
    ranges.sort(key=lambda item: item[0])
    starts, ends, masters = map(list, zip(*ranges, strict=True))
    return ClusterMap(starts, ends, masters, nodes)


def _node(asked: str, node: Reply) -> Address:
    match node:
        case [None | b"", int() as port, *_] if 0 < port < 65536:
            return asked, port
        case [bytes() as host, int() as port, *_] if 0 < port < 65536:
            return host.decode(errors="replace"), port
        case _:
            raise BusError("the Redis cluster sends a malformed map")
