"""The adapter that connects servers by publish and subscribe of Redis, together with servers and emitters of Node."""

from __future__ import annotations

import ssl
from typing import Any

from trio_socketio.adapters._members import NamespaceHost
from trio_socketio.adapters.cluster import Cluster, ClusterAdapter
from trio_socketio.adapters.redis._classic_adapter import ClassicAdapter
from trio_socketio.adapters.redis._echo import own_prefixes
from trio_socketio.adapters.redis._pubsub_bus import PubSubBus
from trio_socketio.adapters.redis._python_bridge import PythonBridge

__all__ = ["RedisAdapter"]


class RedisAdapter(Cluster):
    """Connects servers by Redis or Valkey: ``Server(adapter=RedisAdapter("redis://localhost"))``.

    Servers of Node with @socket.io/redis-adapter 8 and the emitters of @socket.io/redis-emitter 5 can take part. What
    is published while a server has no connection to Redis, that server does not receive. Source: the wire format of
    these packages.

    Args:
        url: the servers of Redis: ``redis://``, ``rediss://``, ``valkey://``, ``valkeys://``, ``unix://``,
            ``redis+sentinel://`` or ``redis+cluster://``.
        key: what the names of all channels begin with. Applications with different keys can share a Redis.
        requests_timeout: how long to wait for the answers of other servers, in seconds.
        publish_on_specific_response_channel: whether answers go only to the server that has asked. Servers with both
            settings can be in one cluster.
        python_socketio_channel: the channel of processes that emit with ``RedisManager(url, write_only=True)`` of
            python-socketio, usually ``"socketio"``. None: their messages are not received. Only JSON is understood.
        ssl_context: the TLS context for URLs with TLS; None: the certificates of the system, with host names checked.
        max_publish_bytes: the largest message, in bytes. Emits of larger ones are refused.
        **options: see ``Cluster``. With ``secret``, servers of Node, emitters and python-socketio cannot take part.

    Raises:
        ValueError: the URL has no known form, or ``secret`` and ``python_socketio_channel`` are both given.
        ImportError: the extra ``trio-socketio[redis]`` is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str = "socket.io",
        requests_timeout: float = 5.0,
        publish_on_specific_response_channel: bool = False,
        python_socketio_channel: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        max_publish_bytes: int = 4_194_304,
        **options: Any,
    ) -> None:
        bus = PubSubBus(url, ssl_context=ssl_context, max_publish_bytes=max_publish_bytes)
        super().__init__(bus, requests_timeout=requests_timeout, **options)
        if not self.is_sealed:
            bus.own_prefixes = own_prefixes(self.uid)
        self._key, self._is_specific = key, publish_on_specific_response_channel
        self._bridge: PythonBridge | None = None
        if python_socketio_channel is not None:
            if self.is_sealed:
                raise ValueError(
                    "python-socketio knows no secret: leave out python_socketio_channel or secret"
                )
            self._bridge = PythonBridge()
            self.subscribe(python_socketio_channel, self._bridge.receive)

    def make_adapter(self, host: NamespaceHost[Any]) -> ClusterAdapter[Any]:
        """See ``Cluster.make_adapter``."""
        adapter: ClassicAdapter[Any] = ClassicAdapter(
            host, self, self._key, specific_responses=self._is_specific
        )
        if self._bridge is not None:
            self._bridge.add(adapter)
        return adapter
