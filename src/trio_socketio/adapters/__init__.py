"""Adapters: how a namespace reaches its sockets, in this process and, with a cluster adapter, in others."""

from trio_socketio._adapter_health import AdapterHealth, AdapterState
from trio_socketio.adapters._adapter import Adapter, AdapterFactory
from trio_socketio.adapters._broadcast import Answers, Broadcast
from trio_socketio.adapters._local import LocalAdapter
from trio_socketio.adapters._members import LocalMember, NamespaceHost, PendingAck, Wake
from trio_socketio.adapters._own_rooms import require_own_rooms
from trio_socketio.adapters._records import SocketRecord
from trio_socketio.adapters._room_observers import ROOM_EVENTS, RoomEvent, RoomObserver
from trio_socketio.adapters._server_adapter import ServerAdapter, ServerHost
from trio_socketio.adapters.cluster import Bus, BusAdapter, BusError, BusMoved, BusRefused
from trio_socketio.adapters.redis import (
    Emitter,
    RedisAdapter,
    RedisShardedAdapter,
    RedisStreamsAdapter,
    ShardedEmitter,
    StreamsEmitter,
)
from trio_socketio.socketio import Target

__all__ = [
    "ROOM_EVENTS",
    "require_own_rooms",
    "Adapter",
    "AdapterFactory",
    "AdapterHealth",
    "AdapterState",
    "Answers",
    "Broadcast",
    "Bus",
    "BusAdapter",
    "BusError",
    "BusMoved",
    "BusRefused",
    "Emitter",
    "LocalAdapter",
    "LocalMember",
    "NamespaceHost",
    "PendingAck",
    "RedisAdapter",
    "RedisShardedAdapter",
    "RedisStreamsAdapter",
    "RoomEvent",
    "RoomObserver",
    "ServerAdapter",
    "ServerHost",
    "ShardedEmitter",
    "SocketRecord",
    "StreamsEmitter",
    "Target",
    "Wake",
]
