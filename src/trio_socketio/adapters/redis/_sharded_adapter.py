"""The adapter of a namespace with the channels of Node's sharded Redis adapter: some rooms have their own."""

from __future__ import annotations

from typing import Literal, TypeVar

from trio_socketio.adapters._members import LocalMember, NamespaceHost
from trio_socketio.adapters.cluster import Cluster, EnvelopeAdapter
from trio_socketio.socketio import Target

__all__ = ["ShardedAdapter", "SubscriptionMode", "utf16_length"]

M = TypeVar("M", bound=LocalMember)

#: Which rooms have a channel: those whose names do not look like ids of sockets, none, or all.
SubscriptionMode = Literal["dynamic", "static", "dynamic-private"]

#: A room whose name has this length is taken for the room of a socket's own id.
ID_LENGTH = 20


def utf16_length(text: str) -> int:
    """Return the length of a text in UTF-16 code units, as JavaScript counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


class ShardedAdapter(EnvelopeAdapter[M]):
    """A cluster adapter with a channel for each room, so that servers receive only events for rooms that they have.

    With the mode ``dynamic``, rooms of sockets' own ids have none, because there are many of them, and few events for
    each. Node takes a name of 20 characters for such an id when it publishes. The same rule applies here to the
    subscriptions, so sockets with other ids receive these events, too.

    Args:
        host: the namespace.
        cluster: the server's part in the cluster.
        channel_prefix: what the names of all channels begin with.
        mode: which rooms have a channel.
    """

    def __init__(
        self, host: NamespaceHost[M], cluster: Cluster, channel_prefix: str, mode: SubscriptionMode
    ) -> None:
        super().__init__(host, cluster, channel_prefix)
        self._mode = mode

    def begin(self) -> None:
        """See ``ClusterAdapter.begin``. Channels of rooms follow the rooms of this process."""
        super().begin()
        if self._mode != "static":
            self.on_room("create-room", self._room_created)
            self.on_room("delete-room", self._room_deleted)

    def _has_channel(self, room: str) -> bool:
        if self._mode == "dynamic":
            return utf16_length(room) != ID_LENGTH
        return self._mode == "dynamic-private"

    def _room_created(self, room: str) -> None:
        if self._has_channel(room) and room != self.cluster.uid:  # that is the channel for answers
            self.cluster.subscribe(self.node_channel(room), self.receive)

    def _room_deleted(self, room: str) -> None:
        if self._has_channel(room) and room != self.cluster.uid:
            self.cluster.unsubscribe(self.node_channel(room))

    def channel_of(self, target: Target) -> str:
        """See ``EnvelopeAdapter.channel_of``."""
        if target.rooms is None or len(target.rooms) != 1:
            return self.main_channel
        (room,) = target.rooms
        return self.node_channel(room) if self._has_channel(room) else self.main_channel
