"""The payloads of HTTP long-polling in each revision of the protocol.

Sources: Engine.IO protocol, revisions 3 and 4, "Payload".
"""

from __future__ import annotations

import re
from typing import Protocol

from trio_socketio._core import Connection, PayloadReader
from trio_socketio.engineio._packet import PacketType
from trio_socketio.engineio._request import EngineRequest

__all__ = [
    "BINARY",
    "TEXT",
    "Payloads",
    "is_binary",
    "payloads_for",
]

TEXT = "text/plain; charset=UTF-8"
BINARY = "application/octet-stream"


#: The parameter ``t`` of engine.io-client up to 1.5, which is part of socket.io-client up to 1.3. It makes each URL
#: unique: the time in milliseconds, and a count. Later clients write the time in another format.
_OLD_TIMESTAMP = re.compile(r"[0-9]{13}-[0-9]+")


def _needs_binary_payloads(timestamp: str) -> bool:
    """Return True if the parameter ``t`` comes from socket.io-client up to 1.3.

    With XMLHttpRequest level 2, these clients misread a text response as "ok" and therefore need binary payloads. The
    servers of their time sent text only to clients that asked for it with the parameter ``b64``.
    """
    return _OLD_TIMESTAMP.fullmatch(timestamp) is not None


def is_binary(content_type: str) -> bool:
    """Return whether a Content-Type header, without its parameters, is ``application/octet-stream``."""
    return content_type.partition(";")[0].strip().lower() == BINARY


class Payloads(Protocol):
    """The payload format of one revision. All sessions of that revision share one object."""

    def accepts(self, content_type: str) -> bool:
        """Return whether a POST may have this content type."""
        ...

    def read(self, body: bytes, content_type: str) -> PayloadReader:
        """Return a reader that yields the packets of a body one at a time."""
        ...

    def take(self, link: Connection, max_bytes: int) -> tuple[bytes, str]:
        """Take about ``max_bytes`` of the queued messages, which are in flight from then on.

        Returns:
            The body and its content type.
        """
        ...

    def packet(self, packet_type: PacketType) -> tuple[bytes, str]:
        """Return a body of one packet without data, and the content type of the body."""
        ...

    def append(self, body: bytes, content_type: str, packet_type: PacketType) -> bytes:
        """Return the body with a packet without data appended."""
        ...


class _Payloads4:
    """The payloads of revision 4. They are always text."""

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
    """The payloads of revision 3. A payload is binary if it holds a binary packet and the client accepts binary."""

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
    """The payloads of revision 3 for clients that need binary ones; see ``_needs_binary_payloads``."""

    def take(self, link: Connection, max_bytes: int) -> tuple[bytes, str]:
        return link.take_payload3(max_bytes, True)[0], BINARY

    def packet(self, packet_type: PacketType) -> tuple[bytes, str]:
        return b"\x00\x01\xff" + packet_type.value.encode(), BINARY


_PAYLOADS4, _PAYLOADS3, _PAYLOADS3_BYTES = _Payloads4(), _Payloads3(), _Payloads3Bytes()


def payloads_for(request: EngineRequest) -> Payloads:
    """Return the payload format for the session that this request opens."""
    if request.revision == 4:
        return _PAYLOADS4
    is_old = not request.base64 and _needs_binary_payloads(request.query.get("t", ""))
    return _PAYLOADS3_BYTES if is_old else _PAYLOADS3
