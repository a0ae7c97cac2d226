"""The Socket.IO side of one Engine.IO session: its sockets, its inbox limits, its outbox."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import trio

from trio_socketio._core import Message, track, untrack
from trio_socketio.engineio import Session, generate_sid
from trio_socketio.errors import DisconnectReason, RemoteProtocolError
from trio_socketio.serving import FULL, Peer
from trio_socketio.socketio import (
    AckReceived,
    ConnectReceived,
    EventReceived,
    Incoming,
    Packet,
    PacketType,
    Protocol4Connection,
    SocketIOConnection,
    Undecoded,
    UndecodedEvent,
    encode,
)

if TYPE_CHECKING:
    from trio_socketio.server._runtime import Runtime
    from trio_socketio.server._socket_state import SocketState

__all__ = ["SocketIOPeer"]


class SocketIOPeer(Peer):
    """The observer of one session.

    Attributes:
        members: the connected sockets by namespace; the same dict as ``connection.members``.
        connecting: the sockets whose CONNECT is not answered yet, by namespace; None if there are none.
        issued: when the session began, in milliseconds since the epoch.
        kept_bytes: the size of all events that wait undecoded because the inbox of their socket is full.
    """

    __slots__ = ("_alarm", "_calls", "connecting", "connection", "issued", "kept_bytes", "runtime", "members")

    def __init__(self, runtime: Runtime, session: Session, now: float) -> None:
        super().__init__(session)
        self.runtime: Runtime = runtime
        protocol: type[SocketIOConnection[SocketState]] = SocketIOConnection
        if session.request.revision != 4:
            protocol = Protocol4Connection
        self.connection: SocketIOConnection[SocketState] = protocol(runtime.connection_options, now)
        self.members: dict[str, SocketState] = self.connection.members
        self.connecting: dict[str, SocketState] | None = None
        self.kept_bytes = 0
        self._calls = 0
        self.issued = time.time_ns() // 1_000_000
        self._alarm = math.inf
        self.set_alarm()
        untrack(self)

    # the session's observer

    def opened(self, now: float) -> None:
        """Connect a client of protocol 4 to the main namespace, because its protocol has no CONNECT for it."""
        incoming = self.connection.join_main()
        if incoming is not None:
            self._take(incoming)

    def text(self, data: bytes, now: float) -> None:
        """Take one text message; a packet that breaks the protocol ends the session."""
        try:
            if self._full:
                incoming = self.connection.receive_undecoded(data, now, self._is_full, binary=False)
            else:
                incoming = self.connection.receive_text(data, now)
        except RemoteProtocolError as error:
            self._broken(error)
            return
        if type(incoming) is not EventReceived:
            self._take(incoming)
        elif (member := self.members.get(incoming.namespace)) is not None:
            member.mailbox.receive(incoming)  # the usual case: an event changes no deadline

    def binary(self, data: bytes, now: float) -> None:
        """Take one attachment."""
        try:
            if self._full:
                incoming = self.connection.receive_undecoded(data, now, self._is_full, binary=True)
            else:
                incoming = self.connection.receive_binary(data, now)
        except RemoteProtocolError as error:
            self._broken(error)
        else:
            self._take(incoming)

    def _take(self, incoming: Incoming | None) -> None:
        self.set_alarm()
        if incoming is None:
            return
        if isinstance(incoming, ConnectReceived):
            self._connect(incoming)
            return
        member = self.members.get(incoming.namespace)
        if member is None:
            return
        if isinstance(incoming, EventReceived):
            member.mailbox.receive(incoming)
        elif isinstance(incoming, UndecodedEvent):
            member.keep(incoming.packet)
        elif isinstance(incoming, AckReceived):
            member.acknowledged(incoming.ack_id, incoming.args)
        else:
            self.connection.left(incoming.namespace, trio.current_time())
            self.set_alarm()
            member.end(DisconnectReason.CLIENT_NAMESPACE_DISCONNECT, "the client left")

    # events that wait undecoded

    def _is_full(self, namespace: str) -> bool:
        """Return whether events of this namespace have to wait undecoded."""
        member = self.members.get(namespace)
        return member is not None and member.mailbox.inbox is not None and member.mailbox.inbox.is_full

    def keep(self, size: int, inbox_bytes: int) -> bool:
        """Count an event that waits undecoded.

        If too many bytes wait, end the session and return False. The limit is ``max_http_buffer_size + inbox_bytes``.

        Args:
            size: the size of the event, in bytes.
            inbox_bytes: how many bytes are in the full inbox.
        """
        config = self.runtime.config
        limit = config.max_http_buffer_size + config.inbox_bytes
        if self.kept_bytes + size + inbox_bytes > limit:
            self.give_up(
                f"more than {limit} bytes (max_http_buffer_size + inbox_bytes) wait while a call is pending"
            )
            return False
        self.kept_bytes += size
        return True

    def decode(self, event: bytes | Undecoded) -> EventReceived | None:
        """Decode an event that waited. If it breaks the protocol, end the session and return None."""
        try:
            return self.connection.decode(event)
        except RemoteProtocolError as error:
            self._broken(error)
            return None

    def refilled(self, namespace: str) -> None:
        """Let a worker handle the events that have moved into the inbox of the socket in this namespace."""
        member = self.members.get(namespace)
        if member is not None:
            member.mailbox.deliver()

    def alarm(self, now: float) -> None:
        """Act on the deadlines that have passed: of held events, and of the connection."""
        for member in list(self.members.values()):
            self.runtime.held.check(member, now)
            if member.hold_deadline <= now:
                member.ready()
        try:
            self.connection.check_deadline(now)
        except RemoteProtocolError as error:
            self._broken(error)
            return
        self.set_alarm()

    def _holders(self) -> Iterable[str]:
        return dict.fromkeys(name for member in self.members.values() for name in member.holders())

    def upgraded(self) -> None:
        """Call the application's listeners for ``upgrade``."""
        if self.listeners is not None:
            self.listeners.call("upgrade")

    def closed(self, reason: DisconnectReason, description: str) -> None:
        """End all sockets of the session, because the session has ended."""
        for member in [*self.members.values(), *(self.connecting or {}).values()]:
            member.end(reason, description)
        self.writable()
        if self.listeners is not None:
            self.listeners.ended(reason, description)
        track(self)

    def _broken(self, error: RemoteProtocolError) -> None:
        self.runtime.log.info("session %s… broke the protocol: %.200s", self.session.sid[:6], error)
        self.session.close(DisconnectReason.FORCED_CLOSE, str(error), now=trio.current_time(), code=1002)

    def set_alarm(self) -> None:
        """Set the session's alarm to the earliest deadline, after a deadline may have changed."""
        deadline = self.connection.deadline
        held = self.runtime.held
        for member in self.members.values():
            deadline = min(deadline, member.hold_deadline)
            if held:
                deadline = min(deadline, held.deadline(member))
        if deadline != self._alarm:
            self._alarm = deadline
            self.session.set_alarm(deadline)

    # namespaces

    def _connect(self, request: ConnectReceived) -> None:
        former = (self.connecting or {}).get(request.namespace)
        if former is not None:  # the middlewares of the first CONNECT still run
            former.end(DisconnectReason.CLIENT_NAMESPACE_DISCONNECT, "the client asked again")
        namespace = self.runtime.namespaces.get(request.namespace)
        if namespace is None:
            self._refuse(request.namespace, {"message": "Invalid namespace"})
        else:
            self.runtime.start_socket(namespace, self, request.auth)

    def socket_id(self, namespace: str) -> str:
        """Return the id for a new socket in this namespace.

        Protocol 4 derives it from the session id, because its clients compute the same id.
        """
        if self.connection.protocol == 5:
            return generate_sid()
        sid = self.session.sid
        return sid if namespace == "/" else f"{namespace}#{sid}"

    def refuse(self, namespace: str, error: dict[str, Any]) -> None:
        """Send CONNECT_ERROR for a CONNECT that a middleware has refused."""
        self._refuse(namespace, self.connection.refusal(error))

    def _refuse(self, namespace: str, data: Any) -> None:
        self.send_protected(Packet(PacketType.CONNECT_ERROR, namespace, data))

    def begin(self, namespace: str, member: SocketState) -> None:
        """Keep a socket in ``connecting`` until its CONNECT is answered, or until the socket ends."""
        if self.connecting is None:
            self.connecting = {}
        self.connecting[namespace] = member

    def accept(self, namespace: str, member: SocketState) -> None:
        """Answer a CONNECT with CONNECT."""
        self._end_connecting(namespace, member)
        self.connection.accepted(namespace, member)
        self.set_alarm()
        self.send_protected(Packet(PacketType.CONNECT, namespace, self.connection.acceptance(member.id)))

    def _end_connecting(self, namespace: str, member: SocketState) -> None:
        if self.connecting is not None and self.connecting.get(namespace) is member:
            del self.connecting[namespace]
            if not self.connecting:
                self.connecting = None

    def ended(self, namespace: str, member: SocketState) -> None:
        """Remove a socket that has ended from ``members`` and ``connecting``."""
        self._end_connecting(namespace, member)
        if self.members.get(namespace) is member:
            del self.members[namespace]

    def leave(self, namespace: str) -> None:
        """Disconnect the client from a namespace: send DISCONNECT."""
        self.connection.disconnected(namespace, trio.current_time())
        self.set_alarm()
        self.send_protected(Packet(PacketType.DISCONNECT, namespace))

    # calls

    @property
    def calls_pending(self) -> bool:
        """Whether a call waits for an acknowledgement of the client. Then reading goes on, to receive it."""
        return self._calls > 0

    def call_started(self) -> None:
        """Count a call that waits for an acknowledgement."""
        self._calls += 1
        self._update_reading()

    def call_ended(self) -> None:
        """Count a call as ended."""
        self._calls -= 1
        self._update_reading()

    # sending

    def send_protected(self, packet: Packet) -> None:
        """Queue a packet that no outbox policy may drop: CONNECT, CONNECT_ERROR or DISCONNECT."""
        self.push_protected(encode(packet))

    def push_protected(self, message: Message) -> None:
        """Queue an encoded message that no outbox policy may drop, such as an acknowledgement."""
        if self.session.link.send_protected(message, self.runtime.protected_factor) == FULL:
            self.overflow()

    async def send_wanted(self, member: SocketState, message: Message) -> None:
        """Queue the event of a ``call``, which no outbox policy may drop because the caller waits for the answer.

        Wait for room in the outbox if its policy waits; see ``send_waiting``.
        """
        if self.runtime.config.outbox.policy not in ("disconnect", "block"):
            self.push_protected(message)
        elif self.waiting or self.session.link.send(message) == FULL:
            await self.send_waiting(member, message)
