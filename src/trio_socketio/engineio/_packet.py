"""Engine.IO packets: a type and data.

The type is one character in front of the data. A binary message of revision 4 has no type: over WebSocket it is a
binary frame, and in text it is a ``b`` and base64. Source: Engine.IO protocol, revisions 3 and 4, "Packet types".
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from trio_socketio._core import Failure, unwrap_binary, unwrap_binary3

__all__ = ["MESSAGE", "Packet", "PacketType", "parse_packet"]


class PacketType(Enum):
    """The packet types, and the character of each."""

    OPEN = "0"
    CLOSE = "1"
    PING = "2"
    PONG = "3"
    MESSAGE = "4"
    UPGRADE = "5"
    NOOP = "6"


class Packet(NamedTuple):
    """One packet.

    Attributes:
        type: the packet type.
        data: ``bytes`` for a binary message, else ``str``.
    """

    type: PacketType
    data: str | bytes = ""


#: The character of a message packet.
MESSAGE = PacketType.MESSAGE.value

_TYPES = {packet_type.value: packet_type for packet_type in PacketType}


def parse_packet(packet: str | bytes, revision: int) -> Packet | Failure:
    """Parse one packet from a client.

    A client of revision 4 with the option ``forceBase64`` sends binary messages as text, over WebSocket too.

    Args:
        packet: the packet as received.
        revision: the revision of the protocol, 3 or 4.

    Returns:
        The packet, or a ``Failure`` that says what is wrong with it.
    """
    if type(packet) is str and packet[:1] != "b":
        packet_type = _TYPES.get(packet[:1])
        if packet_type is not None:
            return Packet(packet_type, packet[1:])
        what = f"a packet of type {packet[:1]!r}" if packet else "an empty packet"
        return Failure(f"the client sent {what}", 0)
    message: bytes | Failure
    if revision == 3:
        message = unwrap_binary3(packet)
    else:
        message = packet if isinstance(packet, bytes) else unwrap_binary(packet)
    return Packet(PacketType.MESSAGE, message) if isinstance(message, bytes) else message
