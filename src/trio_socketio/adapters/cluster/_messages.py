"""The messages between the servers of a cluster, with the types and counts that are accepted.

Source: ``MessageType`` of Node's package socket.io-adapter 2.5. Names on the wire are Node's. Keys that Node does not
have are marked; Node ignores them.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from trio_socketio.adapters._records import SocketRecord
from trio_socketio.socketio import MAX_ACK_ID, Target

__all__ = [
    "AckData",
    "BroadcastData",
    "CountData",
    "DisconnectData",
    "EventPacket",
    "FetchData",
    "HeartbeatData",
    "MessageType",
    "Options",
    "Room",
    "Rooms",
    "RoomsData",
    "ServerEventData",
    "SocketData",
    "SocketsData",
    "ValueData",
    "options_of",
    "room_name",
]

#: How many rooms one message may name, for the choice of sockets and for joining.
MOST_ROOMS = 100_000
#: How many sockets one message may describe or name.
MOST_SOCKETS = 1_000_000

#: A longer timeout is taken for this one, in milliseconds. In JSON, numbers may be too large for a float.
LONGEST_TIMEOUT = 2**53

#: The targets of options with more rooms, or with longer names, are not cached, because hostile ones would fill memory.
MOST_CACHED, LONGEST_CACHED = 4, 100

#: The name of a room, or a number, with which Node's servers may name rooms.
Room = str | int | float
Rooms = Annotated[list[Room], Meta(max_length=MOST_ROOMS)]
#: Ids of requests and servers are 16 hexadecimal digits; those of others may be longer.
Id = Annotated[str, Meta(max_length=64)]
#: The number of a message among those of its server in the namespace. Node's messages have none.
Seq = Annotated[int, Meta(ge=0, le=MAX_ACK_ID)] | None


def room_name(room: Room) -> str:
    """Return the name of a room; of a number its text, as JavaScript has it."""
    if isinstance(room, str):
        return room
    if isinstance(room, float) and room.is_integer() and abs(room) < 1e21:
        room = int(room)
    return msgspec.json.encode(room).decode()


class MessageType(IntEnum):
    """The type of a message. Types 8, 10, 11 and 12 answer a request."""

    INITIAL_HEARTBEAT = 1
    HEARTBEAT = 2
    BROADCAST = 3
    SOCKETS_JOIN = 4
    SOCKETS_LEAVE = 5
    DISCONNECT_SOCKETS = 6
    FETCH_SOCKETS = 7
    FETCH_SOCKETS_RESPONSE = 8
    SERVER_SIDE_EMIT = 9
    SERVER_SIDE_EMIT_RESPONSE = 10
    BROADCAST_CLIENT_COUNT = 11
    BROADCAST_ACK = 12
    ADAPTER_CLOSE = 13


class Options(Struct):
    """The choice of sockets and the flags of a broadcast. An empty list of rooms means all sockets."""

    rooms: Rooms = []
    exclude: Rooms = msgspec.field(default_factory=list, name="except")
    flags: dict[str, Any] = {}

    @property
    def target(self) -> Target:
        """The target among the sockets of this process."""
        if not self.rooms and not self.exclude and not self.flags:
            return _EVERYBODY
        volatile, compress = self.flags.get("volatile") is True, self.flags.get("compress") is not False
        rooms, exclude = tuple(self.rooms), tuple(self.exclude)
        names = rooms + exclude
        try:
            is_small = len(names) <= MOST_CACHED and max(map(len, names), default=0) <= LONGEST_CACHED  # type: ignore[arg-type]
        except TypeError:  # numbers
            is_small = False
        make = _target if is_small else _target.__wrapped__
        return make(rooms, exclude, volatile, compress)

    @property
    def timeout(self) -> float | None:
        """The timeout of a call, in seconds; on the wire it is in milliseconds."""
        timeout = self.flags.get("timeout")
        if isinstance(timeout, int | float) and timeout >= 0:
            return min(timeout, LONGEST_TIMEOUT) / 1000
        return None


def options_of(target: Target, **flags: object) -> dict[str, Any]:
    """Return ``Options`` for a target, ready to be encoded.

    Args:
        target: the target. Its ``rooms`` are not an empty set, because that would mean all sockets on the wire.
        **flags: more flags.
    """
    assert target.rooms is None or target.rooms
    if target.volatile:
        flags["volatile"] = True
    if not target.compress:
        flags["compress"] = False
    return {"rooms": list(target.rooms or ()), "except": list(target.exclude), "flags": flags}


@lru_cache(1024)
def _target(rooms: tuple[Room, ...], exclude: tuple[Room, ...], volatile: bool, compress: bool) -> Target:
    """Return the target of options. Most messages are for the same few rooms, and making a target takes 1 µs."""
    return Target(
        frozenset(map(room_name, rooms)) if rooms else None,
        frozenset(map(room_name, exclude)),
        volatile=volatile,
        compress=compress,
        local=True,
    )


_EVERYBODY = Target(local=True)


class EventPacket(Struct):
    """An event: a Socket.IO packet of type 2, whose data is the name and the arguments."""

    data: Annotated[list[Any], Meta(min_length=1)]
    nsp: str = "/"
    type: Annotated[int, Meta(ge=2, le=2)] = 2


class HeartbeatData(Struct, rename="camel"):
    """Not in Node: a number that each server draws when it starts, so that two servers with one id are detected."""

    nonce: Id = ""


class BroadcastData(Struct, rename="camel", omit_defaults=True):
    """An event for sockets. With a request id, acknowledgements are wanted."""

    packet: EventPacket
    opts: Options
    request_id: Id | None = None


class RoomsData(Struct):
    """The sockets to join or leave rooms."""

    opts: Options
    rooms: Rooms


class DisconnectData(Struct):
    """The sockets to disconnect."""

    opts: Options
    close: bool = False


class FetchData(Struct, rename="camel", omit_defaults=True):
    """The sockets to describe."""

    opts: Options
    request_id: Id
    parts: bool = False  #: not in Node: whether the answer may come in several messages


class SocketData(Struct):
    """A socket of another server."""

    id: str
    handshake: dict[str, Any] = {}
    rooms: frozenset[Room] = frozenset()
    data: Any = None

    @property
    def record(self) -> SocketRecord:
        """The socket as the application sees it."""
        return SocketRecord(self.id, self.handshake, frozenset(map(room_name, self.rooms)), self.data)


class SocketsData(Struct, rename="camel", omit_defaults=True):
    """The answer to ``FetchData``, or a part of it."""

    request_id: Id
    sockets: Annotated[list[SocketData], Meta(max_length=MOST_SOCKETS)]
    more: bool = False  #: not in Node: whether another part follows
    total: int | None = None  #: not in Node: in the last part, the number of sockets in all parts


class ServerEventData(Struct, rename="camel", omit_defaults=True):
    """An event for servers. With a request id, a value is wanted."""

    packet: Annotated[list[Any], Meta(min_length=1)]
    request_id: Id | None = None


class ValueData(Struct, rename="camel"):
    """The value of one server in answer to ``ServerEventData``."""

    request_id: Id
    packet: Any = None


class CountData(Struct, rename="camel", omit_defaults=True):
    """The number of sockets that acknowledge a broadcast."""

    request_id: Id
    client_count: Annotated[int, Meta(ge=0, le=MOST_SOCKETS)]
    sids: Annotated[list[str], Meta(max_length=MOST_SOCKETS)] | None = None  #: not in Node: their ids


class AckData(Struct, rename="camel", omit_defaults=True):
    """The acknowledgement of one socket."""

    request_id: Id
    packet: Any = None  #: its first value
    sid: str | None = None  #: not in Node: the id of the socket
    args: list[Any] | None = None  #: not in Node: all values, if there is not exactly one

    @property
    def value(self) -> Any:
        """The values as ``Socket.call`` returns them."""
        if self.args is None:
            return self.packet
        return tuple(self.args) if len(self.args) > 1 else self.args[0] if self.args else None
