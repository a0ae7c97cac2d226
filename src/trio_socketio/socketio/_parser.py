"""The default parser: packets to messages and back.

Source: Socket.IO protocol revision 5, "Packet encoding".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from trio_socketio._core import Failure, Message, PacketHead, scan_head
from trio_socketio.errors import LocalProtocolError, RemoteProtocolError, ReservedEventError
from trio_socketio.socketio._json import (
    decode_json,
    encode_json,
    extract_attachments,
    insert_attachments,
)
from trio_socketio.socketio._packet import RESERVED_EVENTS, Packet, PacketType

__all__ = ["Decoder", "encode", "encode_event"]


def encode(packet: Packet, *, key: int = 0) -> Message:
    """Encode a packet; its attachments travel in the same message.

    Args:
        packet: what to send.
        key: what the outbox policy ``latest_per_event`` compares.

    Raises:
        LocalProtocolError: the data cannot be encoded.
    """
    attachments: list[bytes] = []
    data = extract_attachments(packet.data, attachments)
    kind = int(packet.type)
    if attachments and packet.type is PacketType.EVENT:
        kind = PacketType.BINARY_EVENT
    elif attachments and packet.type is PacketType.ACK:
        kind = PacketType.BINARY_ACK
    elif attachments:
        raise LocalProtocolError(f"a {packet.type.name} packet cannot carry binary")
    head = f"{kind:d}{len(attachments)}-" if attachments else f"{kind:d}"
    if packet.namespace != "/":
        head += f"{packet.namespace},"
    if packet.id is not None:
        head += str(packet.id)
    body = b"" if data is None else encode_json(data)
    return Message(head.encode() + body, attachments, key=key)


def encode_event(
    event: object, args: Sequence[Any], namespace: str = "/", ack_id: int | None = None
) -> Message:
    """Encode an event.

    Raises:
        ReservedEventError: the name is Socket.IO's own.
        LocalProtocolError: the name is neither text nor number, or the arguments cannot be encoded.
    """
    if not isinstance(event, str | int | float) or isinstance(event, bool):
        raise LocalProtocolError(f"an event name is a str or a number, not {type(event).__name__}")
    if event in RESERVED_EVENTS:
        raise ReservedEventError(event)
    if isinstance(event, float) and not math.isfinite(event):
        raise LocalProtocolError(f"{event} is no event name: JSON has no such number")
    key = hash((event, namespace)) & 0xFFFF_FFFF_FFFF_FFFF
    return encode(Packet(PacketType.EVENT, namespace, [event, *args], ack_id), key=key)


_NUMBERS = (str, int, float)


def _validate(kind: PacketType, data: Any) -> str | None:
    """What is wrong with the data that a packet carries, or None."""
    if kind is PacketType.CONNECT:
        return None if isinstance(data, dict) else "CONNECT needs an object"
    if kind is PacketType.DISCONNECT:
        return "DISCONNECT has no data"
    if kind is PacketType.CONNECT_ERROR:
        return "CONNECT_ERROR comes from servers only"
    if not isinstance(data, list):
        return f"{kind.name} needs an array"
    if kind is PacketType.EVENT:
        if not data or not isinstance(data[0], _NUMBERS) or isinstance(data[0], bool):
            return "an event begins with its name, a string or a number"
        if data[0] in RESERVED_EVENTS:
            return f"the event name {data[0]} is reserved"
    return None


_WITHOUT_DATA = (PacketType.CONNECT, PacketType.DISCONNECT)
_PLAIN_TYPE = {PacketType.BINARY_EVENT: PacketType.EVENT, PacketType.BINARY_ACK: PacketType.ACK}


class Decoder:
    """Messages of one connection to packets.

    Args:
        max_attachments: how many attachments a packet may have.
        max_bytes: the attachments of one packet together.
    """

    __slots__ = ("_attachments", "_head", "_max_attachments", "_max_bytes", "_size")

    def __init__(self, max_attachments: int, max_bytes: int) -> None:
        self._max_attachments = max_attachments
        self._max_bytes = max_bytes
        self._head: PacketHead | None = None
        self._attachments: list[bytes] = []
        self._size = 0

    @property
    def incomplete(self) -> bool:
        """Whether attachments are still due."""
        return self._head is not None

    def add(self, message: str | bytes) -> Packet | None:
        """Take one message; returns the packet that is complete with it, or None.

        Raises:
            RemoteProtocolError: the connection is to be closed.
        """
        if isinstance(message, str):
            return self._add_text(message)
        if self._head is None:
            raise RemoteProtocolError("a binary message that no packet announced")
        self._size += len(message)
        if self._size > self._max_bytes:
            raise RemoteProtocolError(
                f"attachments of {self._size} bytes exceed max_http_buffer_size={self._max_bytes}"
            )
        self._attachments.append(message)
        if len(self._attachments) < self._head.attachments:
            return None
        head, attachments, size = self._head, self._attachments, self._size
        self._head, self._attachments, self._size = None, [], 0
        return self._packet(head, attachments, size + len(head.json))

    def _add_text(self, text: str) -> Packet | None:
        if self._head is not None:
            raise RemoteProtocolError("a text message where an attachment is due")
        head = scan_head(text, self._max_attachments)
        if isinstance(head, Failure):
            raise RemoteProtocolError(head.text)
        if head.attachments:
            self._head = head
            return None
        return self._packet(head, [], len(head.json))

    def _packet(self, head: PacketHead, attachments: list[bytes], size: int) -> Packet:
        kind = PacketType(head.type)
        kind = _PLAIN_TYPE.get(kind, kind)
        if not head.json and kind in _WITHOUT_DATA:
            return Packet(kind, head.namespace, None, head.id, size)
        data = decode_json(head.json) if head.json else None
        if attachments:
            try:
                data = insert_attachments(data, attachments)
            except RecursionError:
                raise RemoteProtocolError("invalid JSON: nested too deeply") from None
        problem = _validate(kind, data)
        if problem is not None:
            raise RemoteProtocolError(f"invalid payload: {problem}")
        if kind is PacketType.ACK and head.id is None:
            raise RemoteProtocolError("invalid payload: an ACK without an id")
        return Packet(kind, head.namespace, data, head.id, size)
