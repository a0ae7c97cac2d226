"""Redis and Valkey: adapters for servers, and emitters for processes without one.

The adapters need the extra ``trio-socketio[redis]``. There are three formats, which all are those of Node's packages:
``RedisAdapter`` publishes to channels, ``RedisShardedAdapter`` to one for each room, and ``RedisStreamsAdapter`` writes
to a stream.
"""

from trio_socketio.adapters.redis._emitters import Emitter, ShardedEmitter, StreamsEmitter
from trio_socketio.adapters.redis._pubsub_bus import PubSubBus
from trio_socketio.adapters.redis._redis_adapter import RedisAdapter
from trio_socketio.adapters.redis._redis_sharded_adapter import RedisShardedAdapter
from trio_socketio.adapters.redis._redis_streams_adapter import RedisStreamsAdapter
from trio_socketio.adapters.redis._sharded_bus import ShardedBus

__all__ = [
    "Emitter",
    "PubSubBus",
    "RedisAdapter",
    "RedisShardedAdapter",
    "RedisStreamsAdapter",
    "ShardedBus",
    "ShardedEmitter",
    "StreamsEmitter",
]
