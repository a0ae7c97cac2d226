"""Messages of processes that emit with python-socketio.

Source: ``PubSubManager`` and ``RedisManager`` of python-socketio 5.
"""

from __future__ import annotations

import binascii
from typing import Annotated, Any

from msgspec import Meta, Struct

from trio_socketio.adapters._broadcast import Broadcast
from trio_socketio.adapters.cluster import ClusterAdapter, Malformed, unpack
from trio_socketio.adapters.cluster._messages import Room, Rooms, room_name
from trio_socketio.errors import RemoteProtocolError
from trio_socketio.socketio import Target, insert_attachments

__all__ = ["PythonBridge"]

#: How messages of older versions begin. They are pickled, and to unpickle them would execute what they say.
PICKLE = b"\x80"


class PythonMessage(Struct):
    """A message of python-socketio. Which keys it has depends on the method."""

    method: str
    namespace: str | None = None
    event: str | None = None
    data: Annotated[list[Any], Meta(min_length=1)] | None = None
    binary: bool = False
    room: Rooms | Room | None = None
    skip_sid: Rooms | Room | None = None
    sid: str | None = None


class PythonBridge:
    """Lets processes without a server reach the clients: existing code that uses python-socketio keeps working.

    Every server of the cluster receives these messages, so each applies them to its own sockets. There are no
    acknowledgements.
    """

    def __init__(self) -> None:
        self._adapters: dict[str, ClusterAdapter[Any]] = {}

    def add(self, adapter: ClusterAdapter[Any]) -> None:
        """Take messages for a namespace. Those for other namespaces are ignored."""
        self._adapters[adapter.host.name] = adapter

    def receive(self, channel: str, payload: bytes) -> None:
        """Take a message of the bus.

        Raises:
            Malformed: it is ignored.
            LocalProtocolError: its event cannot be encoded for clients.
        """
        if payload.startswith(PICKLE):
            raise Malformed("pickle")
        message: PythonMessage = unpack(payload, PythonMessage, is_json=True)
        adapter = self._adapters.get(message.namespace or "/")
        if adapter is None:
            return
        match message:
            case PythonMessage(method="emit", event=str() as event):
                _emit(adapter, event, message)
            case PythonMessage(method="disconnect", sid=str() as sid):
                adapter.disconnect_from_bus(_only(sid), close=False)
            case PythonMessage(method="enter_room", sid=str() as sid, room=str() | int() | float() as room):
                adapter.join_from_bus(_only(sid), [room])
            case PythonMessage(method="leave_room", sid=str() as sid, room=str() | int() | float() as room):
                adapter.leave_from_bus(_only(sid), [room])
            case PythonMessage(method="close_room", room=str() | int() | float() as room):
                adapter.leave_from_bus(_only(room_name(room)), [room])
            case PythonMessage(method="emit" | "disconnect" | "enter_room" | "leave_room" | "close_room"):
                raise Malformed("invalid")
            case _:
                raise Malformed("unknown type")


def _only(room: str) -> Target:
    return Target(frozenset((room,)), local=True)


def _emit(adapter: ClusterAdapter[Any], event: str, message: PythonMessage) -> None:
    exclude = _names(message.skip_sid) or frozenset()
    target = Target(_names(message.room), exclude, local=True)
    adapter.broadcast(Broadcast(event, tuple(_arguments(message)), target, adapter.host.encode))


def _names(names: Room | list[Room] | None) -> frozenset[str] | None:
    """Return the names of rooms. None and an empty text mean all sockets; an empty list means none."""
    if isinstance(names, list):
        return frozenset(map(room_name, names))
    return None if names in (None, "") else frozenset((room_name(names),))


def _arguments(message: PythonMessage) -> list[Any]:
    """Return the arguments of an event. If there are attachments, they follow the arguments as base64."""
    if message.data is None:
        raise Malformed("invalid")
    if not message.binary:
        return message.data
    arguments, *encoded = message.data
    try:
        attachments = [binascii.a2b_base64(text, strict_mode=True) for text in encoded]
        arguments = insert_attachments(arguments, attachments)
    except (TypeError, ValueError, RemoteProtocolError):
        raise Malformed("invalid") from None
    if not isinstance(arguments, list):
        raise Malformed("invalid")
    return arguments
