"""The messages of the classic Redis adapter, with the types and counts that are accepted.

Source: Node's packages @socket.io/redis-adapter 8.3 and @socket.io/redis-emitter 5.1. Names on the wire are Node's.
Keys that Node does not have are marked; Node ignores them.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any

from msgspec import Meta, Struct

from trio_socketio.adapters.cluster._messages import EventPacket, Id, Options, Room, Rooms, Seq

__all__ = [
    "ClassicBroadcast",
    "ClassicRequest",
    "ClassicResponse",
    "ClassicValue",
    "RequestType",
]


class RequestType(IntEnum):
    """The type of a request, and of some responses.

    ``SOCKETS`` and ``ALL_ROOMS`` are answered, and never sent: ``REMOTE_FETCH`` has the rooms of each socket, too.
    """

    SOCKETS = 0
    ALL_ROOMS = 1
    REMOTE_JOIN = 2
    REMOTE_LEAVE = 3
    REMOTE_DISCONNECT = 4
    REMOTE_FETCH = 5
    SERVER_SIDE_EMIT = 6
    BROADCAST = 7
    BROADCAST_CLIENT_COUNT = 8
    BROADCAST_ACK = 9


class ClassicBroadcast(Struct, array_like=True):
    """An event for sockets, without acknowledgements. On the wire it is an array."""

    uid: Id
    packet: EventPacket
    opts: Options
    seq: Seq = None  #: not in Node: the number of the message


class ClassicRequest(Struct, rename="camel"):
    """A request of any type. Which keys it has depends on the type.

    Emitters and old servers leave out ``uid``. Types 2 to 4 of old servers have ``sid`` and ``room`` instead of
    ``opts`` and ``rooms``, and are answered.
    """

    type: int
    uid: Id = ""
    request_id: Id | None = None
    opts: Options | None = None
    rooms: Rooms = []
    close: bool = False
    parts: bool = False  #: not in Node: whether the answer may come in several messages
    data: Annotated[list[Any], Meta(min_length=1)] | None = None
    packet: EventPacket | None = None
    sid: str | None = None
    room: Room | None = None
    seq: Seq = None  #: not in Node: the number of the message


class ClassicResponse(Struct, rename="camel"):
    """The keys that all responses have. Only those to pending requests of this server are decoded further."""

    request_id: Id | None = None
    type: int | None = None
    uid: Id | None = None  #: not in Node: the id of the server
    seq: Seq = None  #: not in Node: the number of the message


class ClassicValue(Struct):
    """The value of one server, in a response of type 6."""

    data: Any = None
