"""The encoding of messages between servers: JSON, or MessagePack if binary is inside.

Whatever comes from the bus is hostile input. ``decode`` takes only messages of known types with data of the right
types, and evaluates nothing. Source: Node's packages socket.io-adapter 2.5 and notepack.io 3.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any

import msgspec

from trio_socketio._core import EventWriter
from trio_socketio.adapters.cluster._messages import (
    AckData,
    BroadcastData,
    CountData,
    DisconnectData,
    FetchData,
    HeartbeatData,
    Id,
    MessageType,
    RoomsData,
    Seq,
    ServerEventData,
    SocketsData,
    ValueData,
    options_of,
)
from trio_socketio.errors import LocalProtocolError
from trio_socketio.socketio import (
    Target,
    encode_json,
    encode_plainly,
    plain_with_binary,
    without_lone_surrogates,
)

__all__ = [
    "Envelope",
    "Malformed",
    "around_packet",
    "decode",
    "decode_data",
    "encode",
    "event_writer",
    "pack",
    "pack_binary",
    "portable",
    "unpack",
]

#: How the data of each type is decoded. Heartbeats and ``ADAPTER_CLOSE`` of Node have none.
DATA_TYPES: dict[int, type[msgspec.Struct]] = {
    MessageType.INITIAL_HEARTBEAT: HeartbeatData,
    MessageType.HEARTBEAT: HeartbeatData,
    MessageType.BROADCAST: BroadcastData,
    MessageType.SOCKETS_JOIN: RoomsData,
    MessageType.SOCKETS_LEAVE: RoomsData,
    MessageType.DISCONNECT_SOCKETS: DisconnectData,
    MessageType.FETCH_SOCKETS: FetchData,
    MessageType.FETCH_SOCKETS_RESPONSE: SocketsData,
    MessageType.SERVER_SIDE_EMIT: ServerEventData,
    MessageType.SERVER_SIDE_EMIT_RESPONSE: ValueData,
    MessageType.BROADCAST_CLIENT_COUNT: CountData,
    MessageType.BROADCAST_ACK: AckData,
    MessageType.ADAPTER_CLOSE: HeartbeatData,
}
#: The same by the number of the type, because the look-up of an enum's member by its value is slow.
_TYPES = {int(kind): (MessageType(kind), data_type) for kind, data_type in DATA_TYPES.items()}
#: No data, in JSON and in MessagePack.
_NO_DATA = (b"", b"null", b"\xc0")
TOO_DEEP = "the arguments are nested too deeply, or contain themselves"
WITHOUT_DATA = {MessageType.INITIAL_HEARTBEAT, MessageType.HEARTBEAT, MessageType.ADAPTER_CLOSE}


class Malformed(Exception):
    """A message that is ignored.

    Args:
        kind: the kind of its defect, under which it is counted.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Envelope(msgspec.Struct, frozen=True):
    """A message from a server.

    Attributes:
        uid: the id of the server.
        nsp: the namespace.
        type: the type of the message.
        data: the data of the type; None if there is none.
        seq: the number of the message among those of the server in the namespace; None if it has none. It is not in
            Node's messages.
    """

    uid: str
    nsp: str
    type: MessageType
    data: Any
    seq: int | None = None


# sending


def pack(value: Any) -> bytes:
    """Encode a value: as JSON if it holds no binary, else as MessagePack.

    Raises:
        LocalProtocolError: the value cannot be encoded.
    """
    plain, has_binary = plain_with_binary(value)
    return _pack_binary(plain) if has_binary else encode_json(plain)


def pack_binary(value: Any) -> bytes:
    """Encode a value as MessagePack.

    Raises:
        LocalProtocolError: the value cannot be encoded.
    """
    plain, has_binary = plain_with_binary(value)
    try:
        return _pack_binary(plain)
    except UnicodeEncodeError:
        assert not has_binary
        return _pack_binary(_repaired(plain))


def _repaired(value: Any) -> Any:
    """Replace lone surrogates by U+FFFD."""
    try:
        return msgspec.json.decode(encode_json(value))
    except RecursionError:
        raise LocalProtocolError(TOO_DEEP) from None


def _pack_binary(value: Any) -> bytes:
    try:
        return msgspec.msgpack.encode(value)
    except RecursionError:
        raise LocalProtocolError(TOO_DEEP) from None
    except UnicodeEncodeError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise LocalProtocolError(f"an argument cannot be encoded for other servers: {error}") from error


def portable(data: Any) -> Any:
    """Return what other servers can be told of a value: all of it, or those items of a dict that can be encoded.

    Binary beside the value turns a message from JSON into MessagePack, so both must be able to hold it.
    """
    if _is_portable(data):
        return data
    if not isinstance(data, dict):
        return None
    return {key: item for key, item in data.items() if isinstance(key, str) and _is_portable(item)}


def _is_portable(value: Any) -> bool:
    try:
        pack(value)
        pack_binary(value)
    except LocalProtocolError:
        return False
    return True


def encode(uid: str, nsp: str, kind: MessageType, data: dict[str, Any] | None, seq: int) -> bytes:
    """Encode a message to servers.

    Args:
        uid: the id of this server.
        nsp: the namespace.
        kind: the type of the message.
        data: its data; None if it has none.
        seq: the number of the message, by which receivers ignore a copy of it.

    Raises:
        LocalProtocolError: the data cannot be encoded.
    """
    message: dict[str, Any] = {"uid": uid, "nsp": nsp, "type": int(kind), "seq": seq}
    if data is not None:
        message["data"] = data
    return pack(message)


def event_writer(nsp: str) -> EventWriter:
    """Make an encoder for events that gives the same result as ``encode``, but for the order of keys.

    Args:
        nsp: the namespace.
    """

    def prepare(uid: str, target: Target) -> tuple[bytes, bytes, bytes]:
        head = {"uid": uid, "nsp": nsp, "type": int(MessageType.BROADCAST)}
        begin, middle = around_packet(nsp, target)
        return encode_plainly(head)[:-1] + b',"data":' + begin, middle + b',"seq":', b"}"

    return EventWriter(encode_plainly, prepare)


def around_packet(nsp: str, target: Target) -> tuple[bytes, bytes]:
    """Return what is before and after an event's name and arguments in the data of a broadcast, as JSON."""
    packet, opts = encode_plainly(nsp), encode_plainly(options_of(target))
    return b'{"packet":{"type":2,"data":', b',"nsp":%b},"opts":%b}' % (packet, opts)


# receiving


class _Head(msgspec.Struct):
    uid: Id
    type: int
    nsp: str = "/"
    data: msgspec.Raw = msgspec.Raw()
    seq: Seq = None


class _Broadcast(msgspec.Struct):
    uid: Id
    type: Annotated[int, msgspec.Meta(ge=3, le=3)]  #: ``MessageType.BROADCAST``
    data: BroadcastData
    nsp: str = "/"
    seq: Seq = None


#: How the type of a broadcast looks, and how far from the beginning it is searched for.
_TYPE_IN_JSON, _TYPE_IN_MSGPACK, _HEAD_BYTES = b'"type":3,', b"\xa4type\x03", 150


def _decode_broadcast(payload: bytes, *, is_json: bool) -> Envelope | None:
    """Decode an event in one step; None if the payload is something else or unusual."""
    if payload.find(_TYPE_IN_JSON if is_json else _TYPE_IN_MSGPACK, 0, _HEAD_BYTES) < 0:
        return None
    try:
        message: _Broadcast = unpack(payload, _Broadcast, is_json=is_json)
    except Malformed:
        return None
    return Envelope(message.uid, message.nsp, MessageType.BROADCAST, message.data, message.seq)


def decode(payload: bytes) -> Envelope:
    """Decode a message from a server. The caller has checked its size.

    Raises:
        Malformed: it is not such a message.
    """
    is_json = payload[:1] == b"{"
    envelope = _decode_broadcast(payload, is_json=is_json)
    if envelope is not None:
        return envelope
    head: _Head = unpack(payload, _Head, is_json=is_json)
    raw = bytes(head.data)
    return Envelope(head.uid, head.nsp, *decode_data(head.type, raw, is_json=is_json), head.seq)


def decode_data(kind: int, raw: bytes, *, is_json: bool) -> tuple[MessageType, Any]:
    """Decode the data of a message.

    Args:
        kind: the type of the message.
        raw: its data, encoded; empty if there is none.
        is_json: whether the data is JSON, and not MessagePack.

    Raises:
        Malformed: the type is unknown, or the data does not fit it.
    """
    known = _TYPES.get(kind)
    if known is None:
        raise Malformed("unknown type")
    member, data_type = known
    if raw in _NO_DATA:
        if member not in WITHOUT_DATA:
            raise Malformed("invalid")
        return member, None
    return member, unpack(raw, data_type, is_json=is_json)


def unpack(payload: bytes, kind: Any, *, is_json: bool) -> Any:
    """Decode JSON or MessagePack into a type.

    Raises:
        Malformed: the payload is not such a value.
    """
    try:
        if is_json:
            return _json_decoder(kind)(payload)
        if b"\xff" in payload and _DATE.search(payload) is not None and kind is not _Head:
            return _converted(_msgpack_decoder(Any)(payload), kind)
        return _msgpack_decoder(kind)(payload)
    except msgspec.ValidationError:
        raise Malformed("invalid") from None
    except RecursionError:
        raise Malformed("deep") from None
    except (msgspec.DecodeError, ValueError, TypeError, OverflowError):
        repaired = without_lone_surrogates(payload) if is_json else payload
        if repaired is payload:
            raise Malformed("garbage") from None
    return unpack(repaired, kind, is_json=True)


@cache
def _json_decoder(kind: Any) -> Callable[[bytes], Any]:
    return msgspec.json.Decoder(kind).decode


#: How notepack begins a Date: the extension type -1 of MessagePack, in one of its three lengths.
_DATE = re.compile(rb"\xd6\xff|\xd7\xff|\xc7\x0c\xff")


def _extension(code: int, data: memoryview) -> None:
    if code != 0 or bytes(data) != b"\0":  # older versions of notepack write ``undefined`` like this
        raise ValueError(f"the extension type {code}")


@cache
def _msgpack_decoder(kind: Any) -> Callable[[bytes], Any]:
    return msgspec.msgpack.Decoder(kind, ext_hook=_extension).decode


def _converted(value: Any, kind: Any) -> Any:
    return msgspec.convert(_as_json_has_it(value), kind, builtin_types=(bytes,))


def _as_json_has_it(value: Any) -> Any:
    """Replace dates by the text that ``JSON.stringify`` makes of them."""
    if isinstance(value, datetime):
        text = value.astimezone(UTC).isoformat(timespec="milliseconds")
        return text.replace("+00:00", "Z")
    if isinstance(value, dict):
        return {key: _as_json_has_it(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_json_has_it(item) for item in value]
    return value
