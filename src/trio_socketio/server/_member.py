"""A socket as a member of its namespace: its rooms, and the acknowledgements that its client owes."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from trio_socketio._core import Connection
from trio_socketio._signal import Signal
from trio_socketio.adapters import Wake, require_own_rooms
from trio_socketio.server._namespace_state import NamespaceState
from trio_socketio.server._operators import PublicMember

if TYPE_CHECKING:
    from trio_socketio.serving import Peer

__all__ = ["Call", "SocketMember"]


class Call:
    """A pending acknowledgement. Its signal is set when it has come, or cannot come any more."""

    __slots__ = ("answer", "blocks", "signal")

    def __init__(self, wake: Wake | None) -> None:
        #: The socket whose handler makes this call to its own client. Its later events wait until the call ends.
        self.blocks: SocketMember | None = None
        self.signal = Signal() if wake is None else wake
        self.answer: list[Any] | None = None

    @property
    def answered(self) -> bool:
        """Whether the acknowledgement has come."""
        return self.answer is not None

    @property
    def value(self) -> Any:
        """The values of the acknowledgement: a tuple if there are several, None if there is none."""
        answer = self.answer or []
        return tuple(answer) if len(answer) > 1 else answer[0] if answer else None

    async def wait(self) -> None:
        """Wait until the acknowledgement has come, or cannot come any more."""
        await self.signal.wait()


class SocketMember(PublicMember):
    """The part of a socket that the adapter of its namespace uses.

    Attributes:
        id: the id of the socket.
        namespace: the namespace of the socket.
        peer: the session of the socket, seen from this layer.
        calls: the pending acknowledgements by ack id; None if there were none yet.
    """

    # One exists for each idle client. To keep it small, attributes that most sockets never need are stored elsewhere.
    __slots__ = ("calls", "namespace", "peer")

    peer: Peer

    def __init__(self, socket_id: str, namespace: NamespaceState, peer: Peer) -> None:
        super().__init__(socket_id)
        self.namespace = namespace
        self.peer = peer
        self.calls: dict[int, Call] | None = None

    @property
    def connection(self) -> Connection:
        """The connection object of the session."""
        return self.peer.session.link

    # rooms

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms that the socket is in."""
        apart = self.namespace.rooms_apart.get(self)
        return self.namespace.adapter.rooms_of(self) if apart is None else frozenset(apart)

    def join_later(self, rooms: Collection[str]) -> None:
        """Keep rooms that the socket joins in ``enter``.

        Raises:
            ValueError: a room is the id of another socket. No room was kept.
        """
        require_own_rooms(self.namespace.adapter.members, self, rooms)
        self.namespace.rooms_apart.setdefault(self, set()).update(rooms)

    def join(self, rooms: Collection[str]) -> None:
        """Join rooms, if the socket is connected.

        Raises:
            ValueError: a room is the id of another socket. No room was joined.
        """
        if self.connected:
            self.namespace.adapter.join(self, rooms)
        else:
            require_own_rooms(self.namespace.adapter.members, self, rooms)

    def leave(self, rooms: Collection[str]) -> None:
        """Leave rooms. Rooms that the socket is not in are ignored."""
        apart = self.namespace.rooms_apart.get(self)
        if apart is not None:
            apart.difference_update(rooms)
        self.namespace.adapter.leave(self, rooms)

    def enter(self) -> None:
        """Become a member of the namespace, and join the rooms that ``join_later`` kept."""
        adapter = self.namespace.adapter
        former = adapter.members.get(self.id)
        if former is not None:
            former.make_way()
        adapter.add(self, self.namespace.rooms_apart.pop(self, ()))

    def make_way(self) -> None:
        """Leave the adapter, so that a new socket can use the same id, and keep the rooms for disconnect handlers.

        This happens when a client of protocol 4 rejoins a namespace before the disconnect handlers have returned. Its
        new socket has the same id, which protocol 4 derives from the session id.
        """
        if not self.connected:
            rooms = set(self.rooms)
            self.leave_all()
            self.namespace.rooms_apart[self] = rooms

    def leave_all(self) -> None:
        """Leave all rooms, and the namespace."""
        self.namespace.adapter.remove(self)
        self.namespace.rooms_apart.pop(self, None)

    def vanish(self) -> None:
        """Leave the namespace, and drop the reference to the public socket, which would form a cycle."""
        self.leave_all()
        super().vanish()

    # acknowledgements

    def expect(self, ack_id: int, wake: Wake | None = None) -> Call:
        """See ``LocalMember.expect``."""
        if self.calls is None:
            self.calls = {}
        call = self.calls[ack_id] = Call(wake)
        return call

    def forget(self, ack_id: int) -> None:
        """Stop expecting an acknowledgement. If it comes later, it is ignored."""
        if self.calls is not None:
            self.calls.pop(ack_id, None)

    def acknowledged(self, ack_id: int, args: list[Any]) -> None:
        """Give an acknowledgement to the call that waits for it. Ignore it if there is none."""
        call = self.calls.pop(ack_id, None) if self.calls is not None else None
        if call is not None:
            call.answer = args
            call.signal.set()

    def end_calls(self) -> None:
        """End all pending calls, because no acknowledgement comes after the socket has ended."""
        for call in (self.calls or {}).values():
            call.signal.set()
