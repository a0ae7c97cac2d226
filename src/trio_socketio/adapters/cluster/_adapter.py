"""The adapter of a namespace in a cluster, without the format of its messages."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator
from itertools import repeat
from typing import Any, TypeVar

import trio

from trio_socketio._core import Message
from trio_socketio.adapters._broadcast import Broadcast
from trio_socketio.adapters._local import LocalAdapter
from trio_socketio.adapters._members import LocalMember, NamespaceHost
from trio_socketio.adapters._own_rooms import is_foreign
from trio_socketio.adapters.cluster._cluster import Cluster
from trio_socketio.adapters.cluster._messages import Room, room_name
from trio_socketio.adapters.cluster._presence import Nodes
from trio_socketio.adapters.cluster._queue import Outgoing
from trio_socketio.adapters.cluster._requests import Request, Requests
from trio_socketio.adapters.cluster._wire import Malformed
from trio_socketio.errors import ClusterTimeout
from trio_socketio.socketio import Target

__all__ = ["ClusterAdapter", "stays_here"]

M = TypeVar("M", bound=LocalMember)

#: How many changes of rooms one message may ask for, the sockets times the rooms. They take half a second and 70 MB.
MOST_CHANGES = 1_000_000


def stays_here(target: Target) -> bool:
    """Return whether nothing is sent to other servers: the target is local, or it chooses no socket."""
    return target.local or (target.rooms is not None and not target.rooms)


class ClusterAdapter(LocalAdapter[M]):
    """Delivers to the members of this process first, then publishes for the other servers.

    Derived classes define the format of the messages: ``EnvelopeAdapter`` that of most of Node's cluster adapters.

    Args:
        host: the namespace.
        cluster: the server's part in the cluster.

    Attributes:
        cluster: the server's part in the cluster.
        nodes: the other servers, if the bus has heartbeats.
        requests: the pending requests to other servers.
    """

    def __init__(self, host: NamespaceHost[M], cluster: Cluster) -> None:
        super().__init__(host)
        self.cluster = cluster
        self.requests = Requests()
        self.nodes = Nodes(self.requests.give_up)

    # the format

    @abstractmethod
    def begin(self) -> None:
        """Subscribe to the channels of the namespace."""

    def say_goodbye(self) -> None:
        """Tell the other servers that this one leaves."""

    def renamed(self, former: str) -> None:
        """Use the new id of this server instead of the former one."""

    @property
    @abstractmethod
    def main_channel(self) -> str:
        """The channel that every server of the namespace subscribes to exactly once. Its subscribers are counted."""

    @abstractmethod
    def encode_broadcast(self, broadcast: Broadcast) -> Outgoing:
        """Return the channel and the unsealed message of a broadcast without acknowledgements.

        Raises:
            LocalProtocolError: it cannot be encoded.
        """

    # broadcasting

    def broadcast(self, broadcast: Broadcast) -> None:
        """See ``Adapter.broadcast``. If the queue is full, other servers miss the event, unless ``settle`` follows.

        Raises:
            LocalProtocolError: it cannot be encoded, or is larger than ``Bus.max_publish_bytes``. It was sent to no
                member.
        """
        target = broadcast.target
        if target.local or (target.rooms is not None and not target.rooms):  # as stays_here, without a call
            super().broadcast(broadcast)
            return
        broadcast.message  # noqa: B018  # raises here if it cannot be encoded
        cluster = self.cluster
        channel, payload = self.encode_broadcast(broadcast)
        if len(payload) > cluster.most_unsealed_bytes:
            payload = cluster.seal(channel, payload)
        LocalAdapter.broadcast(self, broadcast)
        if cluster.queue.put(channel, payload):
            return
        if broadcast.waits:
            broadcast.unsent, broadcast.must_settle = (channel, payload), True
        else:
            cluster.counters.dropped += 1

    async def settle(self, broadcast: Broadcast) -> None:
        """Wait for room in the queue for at most ``write_timeout``, then as ``LocalAdapter.settle``."""
        if broadcast.unsent is not None:
            await self.cluster.publish(*broadcast.unsent)
            broadcast.unsent = None
        await LocalAdapter.settle(self, broadcast)

    # requests

    async def servers(self) -> set[str] | int:
        """Return the ids of the other servers; or their number, if the bus counts subscribers.

        Raises:
            OSError: there is no link to the bus.
        """
        if self.cluster.heartbeats is not None:
            return set(self.nodes.seen)
        return max(await self.cluster.bus.count(self.main_channel) - 1, 0)

    async def server_count(self) -> int:
        """Return the number of servers that have this namespace, including this one, as far as is known.

        Raises:
            OSError: there is no link to the bus.
        """
        await trio.lowlevel.checkpoint()
        servers = await self.servers()
        return 1 + (servers if isinstance(servers, int) else len(servers))

    async def ask(self, request: Request, channel: str, payload: bytes, timeout: float) -> None:
        """Publish a request, and wait until it is complete, or until ``timeout`` seconds have passed.

        While the link is being renewed, this waits for it. While it is down, this returns at once.
        Afterwards, ``request.missing_count`` is at least 1 if answers may be missing.
        """
        sealed = self.cluster.seal(channel, payload)
        request.expect(set(self.nodes.seen) or 1)  # until there is a link, and the servers are known
        request.obstacle = "the cluster cannot be reached"
        if self.cluster.is_down:
            await trio.lowlevel.checkpoint()
            return
        with self.requests.open(request), trio.move_on_after(timeout):
            await self.cluster.ready()
            try:
                request.expect(await self.servers())
            except OSError:
                return
            if request.is_complete:
                return
            request.obstacle = "too many messages wait to be published"
            if await self.cluster.publish(channel, sealed):
                request.obstacle = ""
                await request.wait()

    def raise_if_incomplete(self, request: Request, partial: list[Any], timeout: float) -> None:
        """Raise an error if servers have not answered.

        Raises:
            ClusterTimeout: servers have not answered.
        """
        if request.is_complete:
            return
        count, missing = request.missing_count, frozenset(request.waiting)
        if request.obstacle:
            reason = f"the other servers were not asked: {request.obstacle}"
        else:
            servers = "1 server" if count == 1 else f"{count} servers"
            named = f": {', '.join(sorted(missing))}" if missing else ""
            reason = f"{servers} did not answer within {timeout:g} s{named}"
        raise ClusterTimeout(reason, partial, missing, count)

    # what other servers ask for

    def event_from_bus(self, data: list[Any], target: Target) -> None:
        """Send an event, given by its name and its arguments, to the members of a target in this process.

        Raises:
            ReservedEventError, LocalProtocolError: as ``Broadcast.message``. The event was sent to no member.
        """
        self.message_from_bus(self.host.encode(data[0], tuple(data[1:])), target)

    def message_from_bus(self, message: Message, target: Target) -> None:
        """Send an encoded event to the members of a target in this process."""
        full = self._index.broadcast(message, target)
        if full:
            self.host.overflowed(full)

    def join_from_bus(self, target: Target, rooms: Collection[Room]) -> None:
        """Put members of a target into rooms, except for rooms that are named by other members' ids.

        Raises:
            Malformed: these would be more than ``MOST_CHANGES`` changes.
        """
        for member, names in self._changes(target, rooms):
            own = [room for room in names if not is_foreign(self.members, member, room)]
            if len(own) < len(names):
                self.cluster.reject("room of another socket")
            if member.connected:
                self.join(member, own)

    def leave_from_bus(self, target: Target, rooms: Collection[Room]) -> None:
        """Take members of a target out of rooms.

        Raises:
            Malformed: these would be more than ``MOST_CHANGES`` changes.
        """
        for member, names in self._changes(target, rooms):
            self.leave(member, names)

    def _changes(self, target: Target, rooms: Collection[Room]) -> Iterator[tuple[M, Collection[str]]]:
        """Return the members of a target, each with the rooms that it joins or leaves."""
        members, names = self.select(target), dict.fromkeys(map(room_name, rooms))
        if len(members) * len(names) > MOST_CHANGES:
            raise Malformed("too many rooms")
        return zip(members, repeat(names), strict=False)

    def disconnect_from_bus(self, target: Target, close: bool) -> None:
        """Disconnect the members of a target."""
        for member in self.select(target):
            member.disconnect(close)
