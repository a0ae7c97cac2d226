"""Redis and Valkey: the connections and buses that adapters use. They need the extra ``trio-socketio[redis]``."""

from trio_socketio.adapters.redis._entries import Entry, first_id, last_id, pack_entry, read_entries
from trio_socketio.adapters.redis._pubsub_bus import PubSubBus
from trio_socketio.adapters.redis._sharded_bus import ShardedBus

__all__ = ["Entry", "PubSubBus", "ShardedBus", "first_id", "last_id", "pack_entry", "read_entries"]
