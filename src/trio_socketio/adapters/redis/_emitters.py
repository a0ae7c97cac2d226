"""Emitters: processes without a server reach the clients of a cluster through any Redis client."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from trio_socketio.adapters.cluster import MessageType, pack
from trio_socketio.adapters.redis._base_emitter import BaseEmitter
from trio_socketio.adapters.redis._classic_wire import encode_classic
from trio_socketio.adapters.redis._streams_wire import NODE_MAX_LEN, fields_of, stream_of

__all__ = ["Emitter", "ShardedEmitter", "StreamsEmitter"]


@dataclass(frozen=True, eq=False)
class Emitter(BaseEmitter):
    """Emits to the clients of servers that use ``RedisAdapter``, or of Node's servers with @socket.io/redis-adapter.

    ``Emitter(redis.Redis()).to("room").emit("event", 1)`` needs no Trio. Source: Node's package
    @socket.io/redis-emitter 5.

    Args:
        redis: any client with a method ``publish(channel, message)``.
        key: as for the ``RedisAdapter`` of the servers.
    """

    key: str = field(default="socket.io", kw_only=True)

    def _publish(self, kind: MessageType, data: dict[str, Any]) -> Any:
        channel = f"{self.key}-request#{self.namespace}#"
        if kind is MessageType.BROADCAST:
            rooms = data["opts"]["rooms"]
            channel = f"{self.key}#{self.namespace}#" + (f"{rooms[0]}#" if len(rooms) == 1 else "")
        return self.redis.publish(channel, encode_classic(self.uid, kind, data))


@dataclass(frozen=True, eq=False)
class ShardedEmitter(BaseEmitter):
    """Emits to the clients of servers that use ``RedisShardedAdapter``, with any of its modes.

    Args:
        redis: any client with a method ``spublish(channel, message)``.
        channel_prefix: as for the ``RedisShardedAdapter`` of the servers.
    """

    channel_prefix: str = field(default="socket.io", kw_only=True)

    def _publish(self, kind: MessageType, data: dict[str, Any]) -> Any:
        message = {"uid": self.uid, "nsp": self.namespace, "type": int(kind), "data": data}
        return self.redis.spublish(f"{self.channel_prefix}#{self.namespace}#", pack(message))


@dataclass(frozen=True, eq=False)
class StreamsEmitter(BaseEmitter):
    """Emits to the clients of servers that use ``RedisStreamsAdapter``.

    Args:
        redis: any client with the method ``xadd(name, fields, maxlen=…, approximate=…)`` of redis-py.
        stream_name: as for the ``RedisStreamsAdapter`` of the servers.
        stream_count: as for these servers.
        max_len: about how many entries a stream keeps.
    """

    stream_name: str = field(default="socket.io", kw_only=True)
    stream_count: int = field(default=1, kw_only=True)
    max_len: int = field(default=NODE_MAX_LEN, kw_only=True)

    def _publish(self, kind: MessageType, data: dict[str, Any]) -> Any:
        stream = stream_of(self.stream_name, self.stream_count, self.namespace)
        words = fields_of(self.uid, self.namespace, kind, data)
        fields = dict(zip(words[::2], words[1::2], strict=True))
        return self.redis.xadd(stream, fields, maxlen=self.max_len, approximate=True)
