"""The encoding of the classic Redis adapter's messages.

What other servers publish is hostile input: only known types with data of the right types are taken. Source: Node's
packages @socket.io/redis-adapter 8.3, @socket.io/redis-emitter 5.1 and notepack.io 3.
"""

from __future__ import annotations

from typing import Any

import msgspec

from trio_socketio._core import ClassicEventReader, EventWriter
from trio_socketio.adapters.cluster import Malformed, MessageType, pack, pack_binary, unpack
from trio_socketio.adapters.cluster._messages import (
    AckData,
    BroadcastData,
    CountData,
    DisconnectData,
    FetchData,
    Options,
    RoomsData,
    ServerEventData,
    SocketsData,
    ValueData,
    options_of,
)
from trio_socketio.adapters.redis._classic_messages import (
    ClassicBroadcast,
    ClassicRequest,
    ClassicResponse,
    ClassicValue,
    RequestType,
)
from trio_socketio.socketio import RESERVED_EVENTS, Target

__all__ = [
    "classic_event_writer",
    "decode_broadcast",
    "decode_request",
    "decode_response",
    "encode_classic",
    "event_reader",
    "request_data",
    "response_data",
    "subject",
]

#: The types on the wire. Answers to ``FETCH_SOCKETS`` have none.
WIRE_TYPES = {
    MessageType.BROADCAST: RequestType.BROADCAST,
    MessageType.SOCKETS_JOIN: RequestType.REMOTE_JOIN,
    MessageType.SOCKETS_LEAVE: RequestType.REMOTE_LEAVE,
    MessageType.DISCONNECT_SOCKETS: RequestType.REMOTE_DISCONNECT,
    MessageType.FETCH_SOCKETS: RequestType.REMOTE_FETCH,
    MessageType.SERVER_SIDE_EMIT: RequestType.SERVER_SIDE_EMIT,
    MessageType.SERVER_SIDE_EMIT_RESPONSE: RequestType.SERVER_SIDE_EMIT,
    MessageType.BROADCAST_CLIENT_COUNT: RequestType.BROADCAST_CLIENT_COUNT,
    MessageType.BROADCAST_ACK: RequestType.BROADCAST_ACK,
}
#: These are MessagePack in any case, the others only if they hold binary.
ALWAYS_BINARY = {MessageType.BROADCAST, MessageType.BROADCAST_ACK}
#: The data of these is called ``data`` here and ``packet`` in envelopes.
WITH_VALUE = {MessageType.SERVER_SIDE_EMIT, MessageType.SERVER_SIDE_EMIT_RESPONSE}


def encode_classic(uid: str, kind: MessageType, data: dict[str, Any], seq: int | None = None) -> bytes:
    """Encode a message.

    Args:
        uid: the id of this server.
        kind: the type of the envelope that would have the same meaning.
        data: the data of that envelope. Its packet has a namespace.
        seq: the number of the message; None: it has none.

    Raises:
        LocalProtocolError: the data cannot be encoded.
    """
    if kind is MessageType.BROADCAST and "requestId" not in data:
        parts = [uid, data["packet"], data["opts"]]
        return pack_binary(parts if seq is None else [*parts, seq])
    message: dict[str, Any] = {"uid": uid, **data}
    if kind in WITH_VALUE:
        message["data"] = message.pop("packet")
    elif "opts" in data and kind is not MessageType.BROADCAST:
        message["opts"] = {"rooms": data["opts"]["rooms"], "except": data["opts"]["except"]}
    if kind in WIRE_TYPES:
        message["type"] = int(WIRE_TYPES[kind])
    if seq is not None:
        message["seq"] = seq
    return pack_binary(message) if kind in ALWAYS_BINARY else pack(message)


def classic_event_writer(nsp: str) -> EventWriter:
    """Make an encoder for events with plain arguments and a number that gives the same result as ``encode_classic``.

    Args:
        nsp: the namespace.
    """

    def prepare(uid: str, target: Target) -> tuple[bytes, bytes, bytes]:
        head = _ARRAY_OF_4 + _encode(uid) + _MAP_OF_3 + _encode("type") + _encode(2) + _encode("data")
        return head, _encode("nsp") + _encode(nsp) + _encode(options_of(target)), b""

    return EventWriter(_encode, prepare)


_encode = msgspec.msgpack.Encoder().encode

#: The first bytes of a MessagePack array with four items, and of a map with three.
_ARRAY_OF_4, _MAP_OF_3 = b"\x94", b"\x83"


def _unpack(payload: bytes, kind: Any) -> Any:
    return unpack(payload, kind, is_json=payload[:1] == b"{")


def decode_broadcast(payload: bytes) -> ClassicBroadcast:
    """Decode an event for sockets without acknowledgements.

    Raises:
        Malformed: it is not such a message.
    """
    message: ClassicBroadcast = unpack(payload, ClassicBroadcast, is_json=False)
    return message


def event_reader(namespace: str) -> ClassicEventReader[Target]:
    """Make a fast decoder for the usual events of one namespace. Use ``decode_broadcast`` for those that it leaves."""
    return ClassicEventReader(namespace, _target, RESERVED_EVENTS)


def _target(options: bytes) -> Target:
    decoded: Options = unpack(options, Options, is_json=False)
    return decoded.target


def decode_request(payload: bytes) -> ClassicRequest:
    """Decode a request of any type.

    Raises:
        Malformed: it is not such a message.
    """
    request: ClassicRequest = _unpack(payload, ClassicRequest)
    return request


def request_data(request: ClassicRequest) -> tuple[MessageType, Any]:
    """Return the type and the data of the envelope that has the meaning of a request.

    Raises:
        Malformed: the type is unknown, or a key of the type is missing.
    """
    opts = request.opts
    match request.type:
        case RequestType.SERVER_SIDE_EMIT if request.data is not None:
            return MessageType.SERVER_SIDE_EMIT, ServerEventData(request.data, request.request_id)
        case RequestType.SERVER_SIDE_EMIT:
            raise Malformed("invalid")
        case _ if opts is None:
            raise Malformed("request without opts")
        case RequestType.REMOTE_JOIN:
            return MessageType.SOCKETS_JOIN, RoomsData(opts, request.rooms)
        case RequestType.REMOTE_LEAVE:
            return MessageType.SOCKETS_LEAVE, RoomsData(opts, request.rooms)
        case RequestType.REMOTE_DISCONNECT:
            return MessageType.DISCONNECT_SOCKETS, DisconnectData(opts, request.close)
    if request.request_id is None:
        raise Malformed("invalid")
    match request.type:
        case RequestType.REMOTE_FETCH:
            return MessageType.FETCH_SOCKETS, FetchData(opts, request.request_id, request.parts)
        case RequestType.BROADCAST if request.packet is not None:
            return MessageType.BROADCAST, BroadcastData(request.packet, opts, request.request_id)
    raise Malformed("invalid" if request.type == RequestType.BROADCAST else "unknown type")


def subject(request: ClassicRequest) -> str | None:
    """Return the id of the socket that an old request of types 2 to 4 names; None if the request is another one."""
    is_old = request.opts is None and RequestType.REMOTE_JOIN <= request.type <= RequestType.REMOTE_DISCONNECT
    return request.sid if is_old else None


def decode_response(payload: bytes) -> ClassicResponse:
    """Decode the keys that all responses have.

    Raises:
        Malformed: it is not a response.
    """
    response: ClassicResponse = _unpack(payload, ClassicResponse)
    return response


def response_data(response: ClassicResponse, payload: bytes) -> tuple[MessageType, Any]:
    """Return the type and the data of the envelope that has the meaning of a response.

    Args:
        response: the keys that all responses have.
        payload: the response.

    Raises:
        Malformed: the type is unknown, or the data does not fit it.
    """
    match response.type:
        case None:
            return MessageType.FETCH_SOCKETS_RESPONSE, _unpack(payload, SocketsData)
        case RequestType.SERVER_SIDE_EMIT:
            value: ClassicValue = _unpack(payload, ClassicValue)
            return MessageType.SERVER_SIDE_EMIT_RESPONSE, ValueData(response.request_id or "", value.data)
        case RequestType.BROADCAST_CLIENT_COUNT:
            return MessageType.BROADCAST_CLIENT_COUNT, _unpack(payload, CountData)
        case RequestType.BROADCAST_ACK:
            return MessageType.BROADCAST_ACK, _unpack(payload, AckData)
    raise Malformed("unknown type")
