"""One client's Socket.IO connection: which namespaces it is in, and what each message means for them.

Source: Socket.IO protocol revision 5, "Exchange protocol". What closes the whole connection is the same as in Node.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from trio_socketio.errors import RemoteProtocolError
from trio_socketio.socketio._packet import Packet, PacketType
from trio_socketio.socketio._parser import Decoder

__all__ = [
    "AckReceived",
    "ConnectReceived",
    "ConnectionOptions",
    "DisconnectReceived",
    "EventReceived",
    "Membership",
    "SocketIOConnection",
]

MAX_NAMESPACE_LENGTH = 1024


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """Limits of one connection. Times are seconds."""

    connect_timeout: float
    attachment_timeout: float
    max_attachments: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class ConnectReceived:
    """The client asks to join a namespace."""

    namespace: str
    auth: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EventReceived:
    """An event, with the ack id if an acknowledgement is wanted."""

    namespace: str
    name: str | int | float
    args: list[Any]
    ack_id: int | None
    size: int


@dataclass(frozen=True, slots=True)
class AckReceived:
    """The client's answer to an event."""

    namespace: str
    ack_id: int
    args: list[Any]


@dataclass(frozen=True, slots=True)
class DisconnectReceived:
    """The client leaves a namespace."""

    namespace: str


Incoming = ConnectReceived | EventReceived | AckReceived | DisconnectReceived


class Membership(Enum):
    """How a client stands to a namespace."""

    CONNECTING = auto()  #: its CONNECT has not been answered
    CONNECTED = auto()
    LEFT = auto()  #: we have disconnected it, and what it sent before it knew is still on its way


class SocketIOConnection:
    """The Socket.IO state of one Engine.IO session.

    Args:
        options: the limits.
        now: the current time, in seconds.
    """

    __slots__ = ("_attachment_deadline", "_connect_deadline", "_decoder", "_members", "_options")

    def __init__(self, options: ConnectionOptions, now: float) -> None:
        self._options = options
        self._decoder = Decoder(options.max_attachments, options.max_bytes)
        self._members: dict[str, Membership] = {}
        self._connect_deadline = now + options.connect_timeout
        self._attachment_deadline = math.inf

    @property
    def deadline(self) -> float:
        """When ``check_deadline`` must be called; infinity for never."""
        return min(self._connect_deadline, self._attachment_deadline)

    def check_deadline(self, now: float) -> None:
        """Raises RemoteProtocolError if the client has let a deadline pass."""
        if now >= self._attachment_deadline:
            raise RemoteProtocolError(f"attachments missing after {self._options.attachment_timeout:g} s")
        if now >= self._connect_deadline:
            raise RemoteProtocolError(f"no namespace joined within {self._options.connect_timeout:g} s")

    def receive(self, message: str | bytes, now: float) -> Incoming | None:
        """Take one message; returns what it means, None while a packet is incomplete or for nobody.

        Raises:
            RemoteProtocolError: the whole connection is to be closed.
        """
        packet = self._decoder.add(message)
        if packet is None:
            if self._attachment_deadline == math.inf:
                self._attachment_deadline = now + self._options.attachment_timeout
            return None
        self._attachment_deadline = math.inf
        member = self._members.get(packet.namespace)
        if packet.type is PacketType.CONNECT:
            return self._connect(packet, member)
        if member is Membership.LEFT:
            return None
        if member is not Membership.CONNECTED:
            raise RemoteProtocolError(f"{packet.type.name} for a namespace that is not joined")
        if packet.type is PacketType.EVENT:
            return EventReceived(packet.namespace, packet.data[0], packet.data[1:], packet.id, packet.size)
        if packet.type is PacketType.ACK:
            assert packet.id is not None
            return AckReceived(packet.namespace, packet.id, packet.data)
        self._leave(packet.namespace, now)
        return DisconnectReceived(packet.namespace)

    def _connect(self, packet: Packet, member: Membership | None) -> ConnectReceived:
        if member in (Membership.CONNECTING, Membership.CONNECTED):
            raise RemoteProtocolError("CONNECT to a namespace that is joined already")
        if len(packet.namespace) > MAX_NAMESPACE_LENGTH:
            raise RemoteProtocolError(f"namespace of more than {MAX_NAMESPACE_LENGTH} characters")
        self._members[packet.namespace] = Membership.CONNECTING
        return ConnectReceived(packet.namespace, packet.data or {})

    def accepted(self, namespace: str) -> None:
        """The CONNECT to this namespace is answered with CONNECT."""
        self._members[namespace] = Membership.CONNECTED
        self._connect_deadline = math.inf

    def refused(self, namespace: str) -> None:
        """The CONNECT to this namespace is answered with CONNECT_ERROR."""
        del self._members[namespace]

    def disconnected(self, namespace: str, now: float) -> None:
        """We have disconnected the client from this namespace."""
        self._leave(namespace, now)
        self._members[namespace] = Membership.LEFT

    def _leave(self, namespace: str, now: float) -> None:
        self._members.pop(namespace, None)
        if Membership.CONNECTED not in self._members.values():
            self._connect_deadline = now + self._options.connect_timeout
