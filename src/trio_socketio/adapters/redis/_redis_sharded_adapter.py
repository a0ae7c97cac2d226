"""The adapter that connects servers by sharded publish and subscribe of Redis 7, together with servers of Node."""

from __future__ import annotations

import ssl
from typing import Any, get_args

from trio_socketio.adapters._members import NamespaceHost
from trio_socketio.adapters.cluster import Cluster, ClusterAdapter
from trio_socketio.adapters.redis._echo import own_prefixes
from trio_socketio.adapters.redis._sharded_adapter import ShardedAdapter, SubscriptionMode
from trio_socketio.adapters.redis._sharded_bus import ShardedBus

__all__ = ["RedisShardedAdapter"]


class RedisShardedAdapter(Cluster):
    """Connects servers by Redis 7 or Valkey, one server or a cluster, with a channel for each room.

    Servers of Node with the sharded adapter of @socket.io/redis-adapter 8 can take part; Node's emitter cannot. What is
    published while a server has no connection to Redis, that server does not receive. A room that a server has just
    got is subscribed to in the background. Source: the wire format of that package.

    Args:
        url: the servers of Redis, as for ``RedisAdapter``.
        channel_prefix: what the names of all channels begin with. Applications with different prefixes can share a
            Redis.
        subscription_mode: ``"dynamic"``: rooms have a channel if their names are not 20 characters long, as ids of
            sockets are; ``"static"``: no room has one; ``"dynamic-private"``: each room has one. All servers need the
            same mode.
        requests_timeout: how long to wait for the answers of other servers, in seconds.
        ssl_context: the TLS context for URLs with TLS; None: the certificates of the system, with host names checked.
        max_publish_bytes: the largest message, in bytes. Emits of larger ones are refused.
        **options: see ``Cluster``.

    Raises:
        ValueError: the URL has no known form, or the mode is unknown.
        ImportError: the extra ``trio-socketio[redis]`` is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        channel_prefix: str = "socket.io",
        subscription_mode: SubscriptionMode = "dynamic",
        requests_timeout: float = 5.0,
        ssl_context: ssl.SSLContext | None = None,
        max_publish_bytes: int = 4_194_304,
        **options: Any,
    ) -> None:
        if subscription_mode not in get_args(SubscriptionMode):
            modes = ", ".join(map(repr, get_args(SubscriptionMode)))
            raise ValueError(f"subscription_mode is one of {modes}, not {subscription_mode!r}")
        bus = ShardedBus(url, ssl_context=ssl_context, max_publish_bytes=max_publish_bytes)
        super().__init__(bus, requests_timeout=requests_timeout, **options)
        if not self.is_sealed:
            bus.own_prefixes = own_prefixes(self.uid)
        self._channel_prefix = channel_prefix
        self._mode: SubscriptionMode = subscription_mode

    def make_adapter(self, host: NamespaceHost[Any]) -> ClusterAdapter[Any]:
        """See ``Cluster.make_adapter``."""
        return ShardedAdapter(host, self, self._channel_prefix, self._mode)
