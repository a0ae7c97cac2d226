"""A socket as a member of its namespace: its rooms, and the acknowledgements that it was asked for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from trio_socketio._core import Connection
from trio_socketio._signal import Signal
from trio_socketio.adapters import LocalMember, require_own_rooms

if TYPE_CHECKING:
    from trio_socketio.server._client import Client
    from trio_socketio.server._namespace_state import NamespaceState
    from trio_socketio.server._socket import Socket
    from trio_socketio.server._socket_state import SocketState

__all__ = ["Call", "SocketMember"]


class Call:
    """A pending acknowledgement; its signal is set when it has come, or cannot come any more."""

    __slots__ = ("answer", "blocks", "signal")

    def __init__(self) -> None:
        #: the socket of the same client whose later events wait for the handler that makes the call
        self.blocks: SocketState | None = None
        self.signal = Signal()
        self.answer: list[Any] | None = None

    @property
    def answered(self) -> bool:
        """Whether it has come."""
        return self.answer is not None

    @property
    def value(self) -> Any:
        """The client's answer: a tuple for several values, None for none."""
        answer = self.answer or []
        return tuple(answer) if len(answer) > 1 else answer[0] if answer else None

    async def wait(self) -> None:
        """Wait until it has come, or cannot come any more."""
        await self.signal.wait()


class SocketMember(LocalMember):
    """What the adapter of a namespace sees of a socket.

    Attributes:
        id: the socket's id.
        namespace: the socket's namespace.
        client: the session below.
        calls: the pending acknowledgements by ack id; None: there were none yet.
    """

    # One exists for each client: what most never need is kept elsewhere.
    __slots__ = ("_socket", "calls", "client", "id", "namespace")

    def __init__(self, socket_id: str, namespace: NamespaceState, client: Client) -> None:
        self.id = socket_id
        self.namespace = namespace
        self.client = client
        self.calls: dict[int, Call] | None = None
        self._socket: Socket | None = None

    def attach(self, socket: Socket) -> None:
        """Set the socket that applications see, until ``vanish``."""
        self._socket = socket

    @property
    def socket(self) -> Socket:
        """The socket, until ``vanish``."""
        assert self._socket is not None
        return self._socket

    @property
    def connection(self) -> Connection:
        """The session's connection object."""
        return self.client.session.link

    @abstractmethod
    async def finish(self) -> None:
        """Wait until its events are handled and all that was sent is written, or it has ended."""

    # rooms

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms it is in now."""
        apart = self.namespace.rooms_apart.get(self)
        return self.namespace.adapter.rooms_of(self) if apart is None else frozenset(apart)

    def join_later(self, rooms: Collection[str]) -> None:
        """Keep rooms that it joins in ``enter``.

        Raises:
            ValueError: a room is the id of another socket; none was kept.
        """
        require_own_rooms(self.namespace.adapter.members, self, rooms)
        self.namespace.rooms_apart.setdefault(self, set()).update(rooms)

    def join(self, rooms: Collection[str]) -> None:
        """Join rooms, if it is connected.

        Raises:
            ValueError: a room is the id of another socket; none was joined.
        """
        if self.connected:
            self.namespace.adapter.join(self, rooms)
        else:
            require_own_rooms(self.namespace.adapter.members, self, rooms)

    def leave(self, rooms: Collection[str]) -> None:
        """Leave rooms; those it is not in do not matter."""
        apart = self.namespace.rooms_apart.get(self)
        if apart is not None:
            apart.difference_update(rooms)
        self.namespace.adapter.leave(self, rooms)

    def enter(self) -> None:
        """Become a member of the namespace, in the rooms that were kept for it."""
        adapter = self.namespace.adapter
        former = adapter.members.get(self.id)
        if former is not None:
            former.make_way()
        adapter.add(self, self.namespace.rooms_apart.pop(self, ()))

    def make_way(self) -> None:
        """A client of protocol 4 is back, under the same id, while the disconnect handlers of this socket run."""
        if not self.connected:
            rooms = set(self.rooms)
            self.leave_all()
            self.namespace.rooms_apart[self] = rooms

    def leave_all(self) -> None:
        """Leave all rooms, and the namespace."""
        self.namespace.adapter.remove(self)
        self.namespace.rooms_apart.pop(self, None)

    def vanish(self) -> None:
        """Leave everything, and refer to the socket no longer: the two would form a cycle."""
        self.leave_all()
        self._socket = None

    # acknowledgements

    def expect(self, ack_id: int) -> Call:
        """Begin to wait for an acknowledgement, until ``forget``."""
        if self.calls is None:
            self.calls = {}
        self.client.call_started()
        call = self.calls[ack_id] = Call()
        return call

    def forget(self, ack_id: int) -> None:
        """End the wait; an acknowledgement that comes later is ignored."""
        if self.calls is not None:
            self.calls.pop(ack_id, None)
        self.client.call_ended()

    def acknowledged(self, ack_id: int, args: list[Any]) -> None:
        """An acknowledgement has come; nothing happens if nothing waits for it."""
        call = self.calls.pop(ack_id, None) if self.calls is not None else None
        if call is not None:
            call.answer = args
            call.signal.set()

    def end_calls(self) -> None:
        """The socket has ended: no acknowledgement comes any more."""
        for call in (self.calls or {}).values():
            call.signal.set()
