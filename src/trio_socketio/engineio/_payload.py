"""What the body of a polling request looks like in each revision of the protocol.

Sources: Engine.IO protocol, revisions 3 and 4, "Payload".
"""

from __future__ import annotations

import re
from typing import Protocol

from trio_socketio._core import Connection, PayloadReader
from trio_socketio.engineio._packet import PacketType

__all__ = [
    "BINARY",
    "PAYLOADS3",
    "PAYLOADS3_BYTES",
    "PAYLOADS4",
    "TEXT",
    "Payloads",
    "hears_bytes_alone",
    "is_binary",
]

TEXT = "text/plain; charset=UTF-8"
BINARY = "application/octet-stream"


#: How a client up to 1.5 of engine.io-client, that is 1.3 of socket.io-client, makes its URLs different: the time in
#: milliseconds, and a count. Later ones write the time in another way.
_OLD_TIMESTAMP = re.compile(r"[0-9]{13}-[0-9]+")


def hears_bytes_alone(timestamp: str) -> bool:
    """Whether the parameter ``t`` is from a client whose XMLHttpRequest level 2 takes text for the word "ok".

    The servers of its time sent text to none but those who asked for it with ``b64``.
    """
    return _OLD_TIMESTAMP.fullmatch(timestamp) is not None


def is_binary(content_type: str) -> bool:
    """Whether the type of a request's content is that of arbitrary bytes, whatever its parameters are."""
    return content_type.partition(";")[0].strip().lower() == BINARY


class Payloads(Protocol):
    """The payloads of one revision, the same for all its sessions."""

    def accepts(self, content_type: str) -> bool:
        """Whether a POST may be of this type."""
        ...

    def read(self, body: bytes, content_type: str) -> PayloadReader:
        """The packets of a body, one at a time."""
        ...

    def take(self, link: Connection, max_bytes: int) -> tuple[bytes, str]:
        """What is queued, about so many bytes of it, as a body and the type of that; it is in flight then."""
        ...

    def packet(self, packet_type: PacketType) -> tuple[bytes, str]:
        """A body of one packet that is a type and nothing else, and the type of the body."""
        ...

    def append(self, body: bytes, content_type: str, packet_type: PacketType) -> bytes:
        """The body with such a packet behind its own."""
        ...


class _Payloads4:
    """Revision 4: always text."""

    def accepts(self, content_type: str) -> bool:
        return not is_binary(content_type)

    def read(self, body: bytes, content_type: str) -> PayloadReader:
        return PayloadReader(body)

    def take(self, link: Connection, max_bytes: int) -> tuple[bytes, str]:
        return link.take_payload(max_bytes), TEXT

    def packet(self, packet_type: PacketType) -> tuple[bytes, str]:
        return packet_type.value.encode(), TEXT

    def append(self, body: bytes, content_type: str, packet_type: PacketType) -> bytes:
        return body + b"\x1e" + packet_type.value.encode()


class _Payloads3:
    """Revision 3: binary if there is a binary packet in it, and the client takes bytes."""

    def accepts(self, content_type: str) -> bool:
        return True

    def read(self, body: bytes, content_type: str) -> PayloadReader:
        return PayloadReader(body, 3, is_binary(content_type))

    def take(self, link: Connection, max_bytes: int) -> tuple[bytes, str]:
        body, binary = link.take_payload3(max_bytes)
        return body, BINARY if binary else TEXT

    def packet(self, packet_type: PacketType) -> tuple[bytes, str]:
        return b"1:" + packet_type.value.encode(), TEXT

    def append(self, body: bytes, content_type: str, packet_type: PacketType) -> bytes:
        return body + (b"\x00\x01\xff" if content_type == BINARY else b"1:") + packet_type.value.encode()


class _Payloads3Bytes(_Payloads3):
    """Revision 3: always binary."""

    def take(self, link: Connection, max_bytes: int) -> tuple[bytes, str]:
        return link.take_payload3(max_bytes, True)[0], BINARY

    def packet(self, packet_type: PacketType) -> tuple[bytes, str]:
        return b"\x00\x01\xff" + packet_type.value.encode(), BINARY


PAYLOADS4, PAYLOADS3, PAYLOADS3_BYTES = _Payloads4(), _Payloads3(), _Payloads3Bytes()
