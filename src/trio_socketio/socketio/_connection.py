"""The Socket.IO connection of one client: its namespaces, and the meaning of each message.

Source: Socket.IO protocol revision 5, "Exchange protocol". The same errors as in Node close the whole connection.

Clients of Engine.IO revision 3 speak protocol 4. Its events and acknowledgements are the same as in protocol 5. Its
clients join the main namespace without a CONNECT, and pass data for any other namespace in a query string after the
name of the namespace. The answers to a CONNECT contain less.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from trio_socketio._core import EventReader, untrack
from trio_socketio._query import parse_query
from trio_socketio.errors import RemoteProtocolError
from trio_socketio.socketio._json import decode_plainly
from trio_socketio.socketio._packet import ACK, CONNECT, EVENT, RESERVED_EVENTS, Packet
from trio_socketio.socketio._parser import Decoder, Undecoded

__all__ = [
    "AckReceived",
    "ConnectReceived",
    "ConnectionOptions",
    "DisconnectReceived",
    "EventReceived",
    "Incoming",
    "Protocol4Connection",
    "SocketIOConnection",
    "UndecodedEvent",
]

MAX_NAMESPACE_LENGTH = 1024

#: The longest query string after the name of a namespace, in characters. A request target may be as long.
MAX_QUERY_LENGTH = 16_384


class ConnectionOptions(msgspec.Struct, frozen=True):
    """The limits of one connection. Times are in seconds."""

    connect_timeout: float
    attachment_timeout: float
    max_attachments: int
    max_bytes: int


class ConnectReceived(msgspec.Struct, frozen=True):
    """The client asks to join a namespace. This replaces an earlier CONNECT that is not answered yet."""

    namespace: str
    auth: dict[str, Any]


class EventReceived(msgspec.Struct, frozen=True, gc=False):
    """An event. It has an ack id if the client asks for an acknowledgement.

    The collector does not track it (``gc=False``), because decoded JSON contains no cycles.
    """

    namespace: str
    name: str | int | float
    args: list[Any]
    ack_id: int | None
    size: int


class UndecodedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event whose JSON is not decoded yet: the text message, or the packet with its attachments."""

    namespace: str
    packet: bytes | Undecoded


_read_event = EventReader(decode_plainly, EventReceived, RESERVED_EVENTS).read


class AckReceived(msgspec.Struct, frozen=True, gc=False):
    """The client acknowledges an event."""

    namespace: str
    ack_id: int
    args: list[Any]


class DisconnectReceived(msgspec.Struct, frozen=True):
    """The client leaves a namespace. It stays in ``members`` until ``left`` is called."""

    namespace: str


Incoming = ConnectReceived | EventReceived | UndecodedEvent | AckReceived | DisconnectReceived


M = TypeVar("M")


class SocketIOConnection(Generic[M]):
    """The Socket.IO state of one Engine.IO session.

    Args:
        options: the limits.
        now: the current time, in seconds.

    Attributes:
        members: the namespaces that the client is in, each with the member that was passed to ``accepted``. Only this
            mapping says whether the client is in a namespace.
    """

    __slots__ = ("_attachment_deadline", "_connect_deadline", "_decoder", "_left", "_options", "members")

    #: the revision of the Socket.IO protocol
    protocol = 5

    def __init__(self, options: ConnectionOptions, now: float) -> None:
        self._options = options
        self._decoder = Decoder(options.max_attachments, options.max_bytes)
        self.members: dict[str, M] = {}
        #: The namespaces from which the server has disconnected the client; None for none. Packets for them are
        #: ignored, because the client may send some before it receives the DISCONNECT.
        self._left: set[str] | None = None
        self._connect_deadline = now + options.connect_timeout
        self._attachment_deadline = math.inf
        untrack(self, self._decoder)

    @property
    def deadline(self) -> float:
        """When ``check_deadline`` must be called; infinity for never. Events without attachments do not change it."""
        return min(self._connect_deadline, self._attachment_deadline)

    def check_deadline(self, now: float) -> None:
        """Check the deadlines for attachments and for joining a namespace.

        Raises:
            RemoteProtocolError: the client has missed a deadline.
        """
        if now >= self._attachment_deadline:
            raise RemoteProtocolError(f"attachments missing after {self._options.attachment_timeout:g} s")
        if now >= self._connect_deadline:
            raise RemoteProtocolError(f"no namespace joined within {self._options.connect_timeout:g} s")

    def receive_text(self, data: bytes, now: float) -> Incoming | None:
        """Take one text message, as UTF-8.

        Returns:
            What the client has sent. None: attachments are missing, or the packet is ignored because the server has
            disconnected the client from its namespace.

        Raises:
            RemoteProtocolError: close the whole connection.
        """
        if self._attachment_deadline == math.inf:
            event = _read_event(data)
            if event is not None and event.namespace in self.members:
                return event
        packet = self._collect_text(data, now)
        return None if packet is None else self._incoming(packet.packet(), now)

    def receive_binary(self, data: bytes, now: float) -> Incoming | None:
        """Take one attachment. The result and the errors are those of ``receive_text``."""
        packet = self._collect_binary(data)
        return None if packet is None else self._incoming(packet.packet(), now)

    def receive_undecoded(
        self, data: bytes, now: float, is_full: Callable[[str], bool], *, binary: bool
    ) -> Incoming | None:
        """Take one message like ``receive_text`` and ``receive_binary``, but leave some events undecoded.

        Args:
            data: the message.
            now: the current time, in seconds.
            is_full: returns whether to leave the events of a namespace undecoded, as ``UndecodedEvent``.
            binary: whether the message is an attachment.

        Raises:
            RemoteProtocolError: close the whole connection.
        """
        packet = self._collect_binary(data) if binary else self._collect_text(data, now)
        if packet is None:
            return None
        namespace = self._namespace_of(packet.namespace)
        if packet.type is EVENT and namespace in self.members and is_full(namespace):
            return UndecodedEvent(namespace, packet if binary else data)
        return self._incoming(packet.packet(), now)

    def decode(self, event: bytes | Undecoded) -> EventReceived:
        """Decode an event that was left undecoded.

        Raises:
            RemoteProtocolError: close the whole connection.
        """
        packet = (event if isinstance(event, Undecoded) else self._decoder.read(event)).packet()
        name, *args = packet.data
        return EventReceived(self._namespace_of(packet.namespace), name, args, packet.id, packet.size)

    def _collect_text(self, data: bytes, now: float) -> Undecoded | None:
        packet = self._decoder.collect_text(data)
        if packet is None:
            self._attachment_deadline = now + self._options.attachment_timeout
        return packet

    def _collect_binary(self, data: bytes) -> Undecoded | None:
        packet = self._decoder.collect_binary(data)
        if packet is not None:
            self._attachment_deadline = math.inf
        return packet

    @staticmethod
    def _namespace_of(name: str) -> str:
        """Return the namespace of a packet, given the name in it."""
        return name

    def _incoming(self, packet: Packet, now: float) -> Incoming | None:
        kind, namespace = packet.type, packet.namespace
        if kind is CONNECT:
            return self._connect(packet)
        if namespace not in self.members:
            if self._left is not None and namespace in self._left:
                return None
            raise RemoteProtocolError(f"{kind.name} for a namespace that the client has not joined")
        if kind is EVENT:
            name, *args = packet.data
            return EventReceived(namespace, name, args, packet.id, packet.size)
        if kind is ACK:
            assert packet.id is not None
            return AckReceived(namespace, packet.id, packet.data)
        return DisconnectReceived(namespace)

    def _connect(self, packet: Packet) -> ConnectReceived:
        return self._join(packet.namespace, packet.data or {})

    def _join(self, namespace: str, auth: dict[str, Any]) -> ConnectReceived:
        if namespace in self.members:
            raise RemoteProtocolError("CONNECT to a namespace that the client has already joined")
        if len(namespace) > MAX_NAMESPACE_LENGTH:
            raise RemoteProtocolError(f"namespace of more than {MAX_NAMESPACE_LENGTH} characters")
        self._forget_left(namespace)
        return ConnectReceived(namespace, auth)

    def join_main(self) -> ConnectReceived | None:
        """Return the implicit CONNECT of a new session. Protocol 5 has none."""
        return None

    @staticmethod
    def acceptance(socket_id: str) -> dict[str, Any] | None:
        """Return the data of the CONNECT packet that answers the client's CONNECT."""
        return {"sid": socket_id}

    @staticmethod
    def refusal(error: dict[str, Any]) -> Any:
        """Return the data of the CONNECT_ERROR packet.

        Args:
            error: has "message", and "data" if the middleware that refused the client gave any.
        """
        return error

    def accepted(self, namespace: str, member: M) -> None:
        """Add the client to a namespace. Call this when the server answers a CONNECT with CONNECT.

        Args:
            namespace: the name of the namespace.
            member: the object that represents the client in ``members``.
        """
        self.members[namespace] = member
        untrack(self.members)
        self._connect_deadline = math.inf

    def left(self, namespace: str, now: float) -> None:
        """Remove the client from a namespace. Call this for each ``DisconnectReceived``."""
        self.members.pop(namespace, None)
        if not self.members:
            self._connect_deadline = now + self._options.connect_timeout

    def disconnected(self, namespace: str, now: float) -> None:
        """Remove the client from a namespace at the server's request. Packets that it still sends there are ignored."""
        self.left(namespace, now)
        if self._left is None:
            self._left = set()
        self._left.add(namespace)

    def _forget_left(self, namespace: str) -> None:
        if self._left is not None:
            self._left.discard(namespace)
            if not self._left:
                self._left = None


class Protocol4Connection(SocketIOConnection[M]):
    """The Socket.IO state for a client of protocol 4, which uses Engine.IO revision 3."""

    __slots__ = ()

    protocol = 4

    def join_main(self) -> ConnectReceived | None:
        """Return the implicit CONNECT to the main namespace, without auth."""
        return self._join("/", {})

    @staticmethod
    def _namespace_of(name: str) -> str:
        """Return the name without its query string."""
        return name.partition("?")[0]

    def _incoming(self, packet: Packet, now: float) -> Incoming | None:
        namespace, _, query = packet.namespace.partition("?")
        if len(query) > MAX_QUERY_LENGTH:
            raise RemoteProtocolError(f"query of more than {MAX_QUERY_LENGTH} characters")
        data = parse_query(query) if packet.type is CONNECT else packet.data
        return super()._incoming(Packet(packet.type, namespace, data, packet.id, packet.size), now)

    @staticmethod
    def acceptance(socket_id: str) -> dict[str, Any] | None:
        """Return None: these clients derive the socket id from the session id."""
        return None

    @staticmethod
    def refusal(error: dict[str, Any]) -> Any:
        """Return the data of the error if there is any, else its message. Protocol 4 has no object for both."""
        return error.get("data", error["message"])
