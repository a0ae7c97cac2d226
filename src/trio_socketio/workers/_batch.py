"""The encoding of messages on the mesh: several in one packet, each with the lengths of its channel and its content."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from trio_socketio.workers._packet import BadPacket
from trio_socketio.workers._pair import INLINE_BYTES

__all__ = ["MAX_MESSAGE_BYTES", "MAX_PACKET_BYTES", "BusMessage", "pack", "unpack"]

#: A channel, and the content of a message.
BusMessage = tuple[str, bytes]

#: The largest content of a message, in bytes.
MAX_MESSAGE_BYTES = 8_388_608

_LENGTHS = struct.Struct(">HI")

#: The longest name of a channel, in bytes.
MAX_CHANNEL_BYTES = 65_535

#: The largest packet, in bytes. It holds one message.
MAX_PACKET_BYTES = _LENGTHS.size + MAX_CHANNEL_BYTES + MAX_MESSAGE_BYTES


def pack(batch: Sequence[BusMessage]) -> Iterator[tuple[bytes, int]]:
    """Encode messages; returns packets, each with the number of its messages.

    A packet has several messages only if it is small enough to travel without a memfd.

    Raises:
        ValueError: the name of a channel is too long.
    """
    parts: list[bytes] = []
    size = count = 0
    for channel, content in batch:
        name = channel.encode()
        if len(name) > MAX_CHANNEL_BYTES:
            raise ValueError(f"the name of a channel has {len(name)} bytes, but {MAX_CHANNEL_BYTES} at most")
        added = _LENGTHS.size + len(name) + len(content)
        if parts and size + added > INLINE_BYTES:
            yield b"".join(parts), count
            parts, size, count = [], 0, 0
        parts += (_LENGTHS.pack(len(name), len(content)), name, content)
        size += added
        count += 1
    if parts:
        yield b"".join(parts), count


def unpack(packet: bytes) -> list[BusMessage]:
    """Decode the messages of a packet.

    Raises:
        BadPacket: the packet is malformed.
    """
    messages: list[BusMessage] = []
    at, end = 0, len(packet)
    try:
        while at < end:
            name_size, size = _LENGTHS.unpack_from(packet, at)
            name_at = at + _LENGTHS.size
            content_at = name_at + name_size
            at = content_at + size
            if at > end:
                raise BadPacket("garbage")
            messages.append((packet[name_at:content_at].decode(), packet[content_at:at]))
    except (struct.error, UnicodeDecodeError):
        raise BadPacket("garbage") from None
    return messages
