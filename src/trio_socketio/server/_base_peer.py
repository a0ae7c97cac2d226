"""The part of a peer that its sockets use: they send packets and calls with it, and keep events in it."""

from __future__ import annotations

import math
import time
from typing import Any

import trio

from trio_socketio._core import Message, untrack
from trio_socketio.engineio import Session, generate_sid
from trio_socketio.errors import DisconnectReason, RemoteProtocolError
from trio_socketio.server._base_socket import BaseSocket
from trio_socketio.server._peer_runtime import PeerRuntime
from trio_socketio.serving import FULL, Peer
from trio_socketio.socketio import (
    EventReceived,
    Packet,
    PacketType,
    Protocol4Connection,
    SocketIOConnection,
    Undecoded,
    encode,
)

__all__ = ["BasePeer"]


class BasePeer(Peer):
    """A session, as its sockets use it. ``SocketIOPeer`` derives from it, and receives packets.

    Attributes:
        members: the connected sockets by namespace; the same dict as ``connection.members``.
        connecting: the sockets whose CONNECT is not answered yet, by namespace; None if there are none.
        issued: when the session began, in milliseconds since the epoch.
        kept_bytes: the size of all events that wait undecoded because the inbox of their socket is full.
    """

    __slots__ = ("_alarm", "_calls", "connecting", "connection", "issued", "kept_bytes", "runtime", "members")

    def __init__(self, runtime: PeerRuntime[BasePeer], session: Session, now: float) -> None:
        super().__init__(session)
        self.runtime: PeerRuntime[BasePeer] = runtime
        protocol: type[SocketIOConnection[BaseSocket]] = SocketIOConnection
        if session.request.revision != 4:
            protocol = Protocol4Connection
        self.connection: SocketIOConnection[BaseSocket] = protocol(runtime.connection_options, now)
        self.members: dict[str, BaseSocket] = self.connection.members
        self.connecting: dict[str, BaseSocket] | None = None
        self.kept_bytes = 0
        self._calls = 0
        self.issued = time.time_ns() // 1_000_000
        self._alarm = math.inf
        self.set_alarm()
        untrack(self)

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

    def begin(self, namespace: str, member: BaseSocket) -> None:
        """Keep a socket in ``connecting`` until its CONNECT is answered, or until the socket ends."""
        if self.connecting is None:
            self.connecting = {}
        self.connecting[namespace] = member

    def accept(self, namespace: str, member: BaseSocket) -> None:
        """Answer a CONNECT with CONNECT."""
        self._end_connecting(namespace, member)
        self.connection.accepted(namespace, member)
        self.set_alarm()
        self.send_protected(Packet(PacketType.CONNECT, namespace, self.connection.acceptance(member.id)))

    def _end_connecting(self, namespace: str, member: BaseSocket) -> None:
        if self.connecting is not None and self.connecting.get(namespace) is member:
            del self.connecting[namespace]
            if not self.connecting:
                self.connecting = None

    def ended(self, namespace: str, member: BaseSocket) -> None:
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

    async def send_wanted(self, member: BaseSocket, message: Message) -> None:
        """Queue the event of a ``call``, which no outbox policy may drop because the caller waits for the answer.

        Wait for room in the outbox if its policy waits; see ``send_waiting``.
        """
        if self.runtime.config.outbox.policy not in ("disconnect", "block"):
            self.push_protected(message)
        elif self.waiting or self.session.link.send(message) == FULL:
            await self.send_waiting(member, message)

    # events that wait undecoded

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

    def _broken(self, error: RemoteProtocolError) -> None:
        self.runtime.log.info(
            "session %s… is closed because of a protocol error: %.200s", self.session.sid[:6], error
        )
        self.session.close(DisconnectReason.FORCED_CLOSE, str(error), now=trio.current_time(), code=1002)
