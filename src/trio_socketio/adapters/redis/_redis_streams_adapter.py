"""The adapter that connects servers by streams of Redis, together with servers of Node."""

from __future__ import annotations

import ssl
from typing import Any

import trio

from trio_socketio.adapters._members import NamespaceHost
from trio_socketio.adapters._server_adapter import ServerHost
from trio_socketio.adapters.cluster import Cluster, ClusterAdapter
from trio_socketio.adapters.redis._echo import own_prefixes
from trio_socketio.adapters.redis._pubsub_bus import PubSubBus
from trio_socketio.adapters.redis._sharded_bus import ShardedBus
from trio_socketio.adapters.redis._stream_reader import StreamReader
from trio_socketio.adapters.redis._streams_adapter import StreamsAdapter
from trio_socketio.adapters.redis._streams_bus import StreamsBus
from trio_socketio.adapters.redis._streams_wire import NODE_MAX_LEN, decode_entry, stream_of

__all__ = ["RedisStreamsAdapter"]


class RedisStreamsAdapter(Cluster):
    """Connects servers by Redis so that a server without a connection receives later what was sent meanwhile.

    Broadcasts and changes of rooms are entries of a stream. Requests, their answers and events for servers are
    published, and are lost meanwhile. Servers of Node with @socket.io/redis-streams-adapter 0.3 can take part. Source:
    the wire format of that package.

    Args:
        url: the servers of Redis, as for ``RedisAdapter``.
        stream_name: the key of the stream. Applications with different names and prefixes can share a Redis.
        stream_count: the number of streams. With more than one, each namespace has one of them.
        node_compatible_hash: must be True if ``stream_count`` is more than 1: the streams of namespaces are chosen as
            in Node, which does not read the streams of some namespaces.
        channel_prefix: what the names of all channels begin with. ``RedisAdapter`` has the same names of channels:
            use another prefix if both are on one Redis.
        max_len: about how many entries a stream keeps.
        read_count: how many entries are read at once.
        block_time: how long one read waits for entries, in seconds.
        only_plaintext: whether binary in broadcasts is refused.
        use_sharded_pubsub: whether requests go by the sharded publish and subscribe of Redis 7.
        requests_timeout: how long to wait for the answers of other servers, in seconds.
        ssl_context: the TLS context for URLs with TLS; None: the certificates of the system, with host names checked.
        max_publish_bytes: the largest message, in bytes. Emits of larger ones are refused.
        **options: see ``Cluster``.

    Raises:
        ValueError: the URL has no known form, a number is less than 1, or there are several streams without
            ``node_compatible_hash``.
        ImportError: the extra ``trio-socketio[redis]`` is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        stream_name: str = "socket.io",
        stream_count: int = 1,
        node_compatible_hash: bool = False,
        channel_prefix: str = "socket.io",
        max_len: int = NODE_MAX_LEN,
        read_count: int = 100,
        block_time: float = 5.0,
        only_plaintext: bool = False,
        use_sharded_pubsub: bool = False,
        requests_timeout: float = 5.0,
        ssl_context: ssl.SSLContext | None = None,
        max_publish_bytes: int = 4_194_304,
        **options: Any,
    ) -> None:
        for name, number in (
            ("stream_count", stream_count),
            ("max_len", max_len),
            ("read_count", read_count),
        ):
            if number < 1:
                raise ValueError(f"{name} is at least 1, not {number}")
        if block_time <= 0:
            raise ValueError(f"block_time is more than 0 s, not {block_time}")
        if stream_count > 1 and not node_compatible_hash:
            raise ValueError(
                f"stream_count={stream_count} needs node_compatible_hash=True: servers of Node do not read the streams "
                "of all namespaces then"
            )
        make_bus = ShardedBus if use_sharded_pubsub else PubSubBus
        pubsub = make_bus(url, ssl_context=ssl_context, max_publish_bytes=max_publish_bytes)
        bus = StreamsBus(pubsub, max_len, is_sealed=options.get("secret") is not None)
        super().__init__(bus, requests_timeout=requests_timeout, **options)
        if not self.is_sealed:
            pubsub.own_prefixes = own_prefixes(self.uid)
        self._bus = bus
        self._stream_name, self._stream_count = stream_name, stream_count
        self._channel_prefix, self._only_plaintext = channel_prefix, only_plaintext
        self._read_count, self._block_time = read_count, block_time
        self._by_namespace: dict[str, StreamsAdapter[Any]] = {}

    def make_adapter(self, host: NamespaceHost[Any]) -> ClusterAdapter[Any]:
        """See ``Cluster.make_adapter``."""
        stream = stream_of(self._stream_name, self._stream_count, host.name)
        if stream not in self._bus.streams:
            self._bus.streams[stream] = StreamReader(
                stream,
                self.uid,
                self._read_count,
                self._block_time,
                is_sealed=self.is_sealed,
                gap=self._gap_found,
            )
            self.subscribe(stream, self._entry_received)
        adapter = self._by_namespace[host.name] = StreamsAdapter(
            host, self, self._channel_prefix, stream, only_plaintext=self._only_plaintext
        )
        return adapter

    async def run(self, host: ServerHost) -> None:
        """See ``ServerAdapter.run``."""
        async with trio.open_nursery() as nursery:
            self._bus.nursery = nursery
            await super().run(host)

    def _gap_found(self) -> None:
        self.counters.gaps += 1

    def _entry_received(self, stream: str, message: bytes) -> None:
        """Take an entry of a stream, which several namespaces may share. Those of others are ignored."""
        envelope = decode_entry(message)
        adapter = self._by_namespace.get(envelope.nsp)
        if adapter is not None:
            adapter.handle(stream, envelope)
