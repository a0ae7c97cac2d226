"""The Socket.IO side of one Engine.IO session, which receives packets."""

from __future__ import annotations

from collections.abc import Iterable

import trio

from trio_socketio._core import track
from trio_socketio.errors import DisconnectReason, RemoteProtocolError
from trio_socketio.server._base_peer import BasePeer
from trio_socketio.socketio import AckReceived, ConnectReceived, EventReceived, Incoming, UndecodedEvent

__all__ = ["SocketIOPeer"]


class SocketIOPeer(BasePeer):
    """The observer of one session: it receives packets, and gives them to the sockets."""

    __slots__ = ()

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
            member.end(DisconnectReason.CLIENT_NAMESPACE_DISCONNECT, "the client left the namespace")

    def _is_full(self, namespace: str) -> bool:
        """Return whether events of this namespace have to wait undecoded."""
        member = self.members.get(namespace)
        return member is not None and member.mailbox.inbox is not None and member.mailbox.inbox.is_full

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

    # namespaces

    def _connect(self, request: ConnectReceived) -> None:
        former = (self.connecting or {}).get(request.namespace)
        if former is not None:  # the middlewares of the first CONNECT still run
            former.end(DisconnectReason.CLIENT_NAMESPACE_DISCONNECT, "another CONNECT replaces this one")
        namespace = self.runtime.namespaces.get(request.namespace)
        if namespace is None:
            self._refuse(request.namespace, {"message": "Invalid namespace"})
        else:
            self.runtime.start_socket(namespace, self, request.auth)
