"""The default parser: it encodes packets into messages and decodes messages into packets.

Source: Socket.IO protocol revision 5, "Packet encoding".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from trio_socketio._core import Failure, Message, PacketHead, PacketWriter, is_json, scan_head
from trio_socketio.errors import LocalProtocolError, RemoteProtocolError, ReservedEventError
from trio_socketio.socketio._json import (
    decode_json,
    encode_json,
    encode_plainly,
    extract_attachments,
    insert_attachments,
)
from trio_socketio.socketio._packet import (
    ACK,
    BINARY_ACK,
    BINARY_EVENT,
    CONNECT,
    DISCONNECT,
    EVENT,
    RESERVED_EVENTS,
    Packet,
    PacketType,
)

__all__ = ["Decoder", "Undecoded", "encode", "encode_ack", "encode_event", "packet_writer"]


def packet_writer(namespace: str) -> PacketWriter:
    """Make a fast encoder for the packets of one namespace.

    It encodes packets with plain arguments. Use ``encode_event`` and ``encode_ack`` for those that it does not encode.
    """
    return PacketWriter(namespace, encode_plainly, RESERVED_EVENTS)


def encode(packet: Packet) -> Message:
    """Encode a packet. The message contains its attachments.

    Raises:
        LocalProtocolError: the data cannot be encoded.
    """
    return _message(packet.type, packet.namespace, packet.id, packet.data)


def encode_ack(namespace: str, ack_id: int, values: Sequence[Any]) -> Message:
    """Encode the acknowledgement of an event.

    Raises:
        LocalProtocolError: the values cannot be encoded.
    """
    return _message(ACK, namespace, ack_id, values)


def encode_event(
    event: object,
    args: Sequence[Any],
    namespace: str = "/",
    ack_id: int | None = None,
    *,
    keyed: bool = False,
) -> Message:
    """Encode an event.

    Args:
        event: the name of the event.
        args: the arguments.
        namespace: the namespace. It begins with a slash.
        ack_id: the ack id; None: no acknowledgement is wanted.
        keyed: whether the message gets a key, by which the outbox policy ``latest_per_event`` finds messages of the
            same event.

    Raises:
        ReservedEventError: the name is reserved by Socket.IO.
        LocalProtocolError: the name is neither a string nor a number, or the arguments cannot be encoded.
    """
    if type(event) is not str:
        _check_name(event)
    if event in RESERVED_EVENTS:
        raise ReservedEventError(event)
    key = hash((event, namespace)) & 0xFFFF_FFFF_FFFF_FFFF if keyed else 0
    return _message(EVENT, namespace, ack_id, (event, *args), key)


def _check_name(event: object) -> None:
    if not isinstance(event, str | int | float) or isinstance(event, bool):
        raise LocalProtocolError(f"an event name must be a str or a number, not {type(event).__name__}")
    if isinstance(event, float) and not math.isfinite(event):
        raise LocalProtocolError(f"{event} cannot be an event name: JSON has no such number")


_DIGITS = {kind: b"%d" % kind for kind in PacketType}
_BINARY_FORM = {EVENT: BINARY_EVENT, ACK: BINARY_ACK}


def _message(kind: PacketType, namespace: str, ack_id: int | None, data: Any, key: int = 0) -> Message:
    attachments: list[bytes] | tuple[()] = ()
    head = _DIGITS[kind]
    if not is_json(data):
        data = extract_attachments(data, attachments := [])
        if attachments:
            if kind not in _BINARY_FORM:
                raise LocalProtocolError(f"a {kind.name} packet cannot carry binary")
            head = b"%d%d-" % (_BINARY_FORM[kind], len(attachments))
    if namespace != "/":
        head += f"{namespace},".encode()
    if ack_id is not None:
        head += b"%d" % ack_id
    return Message(head if data is None else head + encode_json(data), attachments, key=key)


_NAME_TYPES = (str, int, float)


def _packet(kind: PacketType, namespace: str, ack_id: int | None, data: Any, size: int) -> Packet:
    if kind is EVENT and type(data) is list and data and type(data[0]) in _NAME_TYPES:
        if data[0] in RESERVED_EVENTS:
            raise RemoteProtocolError(f"invalid payload: the event name {data[0]} is reserved")
        return Packet(kind, namespace, data, ack_id, size)
    problem = _wrong_with(kind, data, ack_id)
    if problem is not None:
        raise RemoteProtocolError(f"invalid payload: {problem}")
    return Packet(kind, namespace, data, ack_id, size)


def _packet_without_data(kind: PacketType, namespace: str, ack_id: int | None) -> Packet:
    if kind in (CONNECT, DISCONNECT):
        return Packet(kind, namespace, None, ack_id)
    return _packet(kind, namespace, ack_id, None, 0)


def _wrong_with(kind: PacketType, data: Any, ack_id: int | None) -> str | None:
    if kind is EVENT:
        if type(data) is not list:
            return "EVENT needs an array"
        return "EVENT must begin with its name, a string or a number"
    if kind is ACK:
        if type(data) is not list:
            return "ACK needs an array"
        return "ACK needs an id" if ack_id is None else None
    if kind is CONNECT:
        return None if isinstance(data, dict) else "CONNECT needs an object"
    return "DISCONNECT must not have data" if kind is DISCONNECT else "only a server may send CONNECT_ERROR"


#: The packet type for each digit. The binary forms become EVENT and ACK, because attachments are put in place.
_KINDS = (*tuple(PacketType)[:5], EVENT, ACK)


class Undecoded:
    """A packet whose JSON is not decoded yet. Attachments may be missing."""

    __slots__ = ("_attachments", "_attachments_bytes", "_head")

    def __init__(self, head: PacketHead) -> None:
        self._head = head
        self._attachments: list[bytes] = []
        self._attachments_bytes = 0

    def __len__(self) -> int:
        """The size of the JSON and of the attachments so far, in bytes."""
        return self._attachments_bytes + len(self._head[4])

    @property
    def type(self) -> PacketType:
        """The packet type. EVENT and ACK also stand for their binary forms."""
        return _KINDS[self._head[0]]

    @property
    def namespace(self) -> str:
        """The namespace as written in the packet."""
        return self._head[2]

    @property
    def is_complete(self) -> bool:
        """Whether all attachments have come."""
        return len(self._attachments) == self._head[1]

    def add(self, attachment: bytes) -> int:
        """Add an attachment; returns the size of all attachments in bytes."""
        self._attachments.append(attachment)
        self._attachments_bytes += len(attachment)
        return self._attachments_bytes

    def packet(self) -> Packet:
        """Decode the packet.

        Raises:
            RemoteProtocolError: close the connection.
        """
        digit, due, namespace, ack_id, text = self._head
        kind = _KINDS[digit]
        if not text and not due:
            return _packet_without_data(kind, namespace, ack_id)
        data = decode_json(text) if text else None
        if due:
            data = insert_attachments(data, self._attachments)
        return _packet(kind, namespace, ack_id, data, len(self))


class Decoder:
    """The decoder of one connection: it turns messages into packets.

    Args:
        max_attachments: how many attachments a packet may have.
        max_bytes: how many bytes all attachments of a packet may have together.
    """

    __slots__ = ("_max_attachments", "_max_bytes", "_partial")

    def __init__(self, max_attachments: int, max_bytes: int) -> None:
        self._max_attachments = max_attachments
        self._max_bytes = max_bytes
        self._partial: Undecoded | None = None

    def collect_text(self, data: bytes) -> Undecoded | None:
        """Take one text message, as UTF-8; returns the packet, undecoded, or None if attachments follow.

        Raises:
            RemoteProtocolError: close the connection.
        """
        if self._partial is not None:
            raise RemoteProtocolError("a text message arrived before all attachments of a packet")
        packet = self.read(data)
        if packet.is_complete:
            return packet
        self._partial = packet
        return None

    def read(self, data: bytes) -> Undecoded:
        """Parse the head of a packet; returns the packet, undecoded and without attachments.

        Raises:
            RemoteProtocolError: close the connection.
        """
        head = scan_head(data, self._max_attachments)
        if isinstance(head, Failure):
            raise RemoteProtocolError(head.text)
        return Undecoded(head)

    def collect_binary(self, data: bytes) -> Undecoded | None:
        """Take one attachment; returns the packet, undecoded, if it is complete now, else None.

        Raises:
            RemoteProtocolError: close the connection.
        """
        partial = self._partial
        if partial is None:
            raise RemoteProtocolError("a binary message arrived without a packet that has attachments")
        size = partial.add(data)
        if size > self._max_bytes:
            raise RemoteProtocolError(
                f"attachments of {size} bytes exceed max_http_buffer_size={self._max_bytes}"
            )
        if not partial.is_complete:
            return None
        self._partial = None
        return partial
