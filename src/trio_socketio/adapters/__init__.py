"""Adapters: how a namespace reaches its sockets, in this process and, with a cluster adapter, in others."""

from trio_socketio.adapters._adapter import Adapter, AdapterFactory
from trio_socketio.adapters._broadcast import Answers, Broadcast
from trio_socketio.adapters._local import LocalAdapter
from trio_socketio.adapters._members import LocalMember, NamespaceHost, PendingAck
from trio_socketio.adapters._own_rooms import require_own_rooms
from trio_socketio.adapters._room_observers import ROOM_EVENTS, RoomEvent, RoomObserver
from trio_socketio.socketio import Target

__all__ = [
    "ROOM_EVENTS",
    "Adapter",
    "AdapterFactory",
    "Answers",
    "Broadcast",
    "LocalAdapter",
    "LocalMember",
    "NamespaceHost",
    "PendingAck",
    "RoomEvent",
    "RoomObserver",
    "Target",
    "require_own_rooms",
]
