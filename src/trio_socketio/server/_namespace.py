"""A namespace: its handlers, its middlewares, its sockets and their rooms."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from typing import TYPE_CHECKING, TypeVar, overload

from trio_socketio.adapters import ROOM_EVENTS, RoomEvent, RoomObserver
from trio_socketio.handlers import HandlerFunction, require_hook
from trio_socketio.server._listening import Listening, NamespaceHandlers
from trio_socketio.server._member import SocketMember
from trio_socketio.server._namespace_state import NamespaceState
from trio_socketio.server._operators import EVERYBODY, BroadcastOperator
from trio_socketio.server._registration import require_middleware
from trio_socketio.server._socket import Socket

if TYPE_CHECKING:
    from trio_socketio.server._server import Server

__all__ = ["Namespace"]

F = TypeVar("F", bound=HandlerFunction)
Observer = TypeVar("Observer", bound=RoomObserver)


class Sockets(Mapping[str, "Socket"]):
    """Sockets by id. Iterating goes through a copy: sockets may be disconnected meanwhile."""

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, SocketMember]) -> None:
        self._members = members

    def _copy(self) -> dict[str, Socket]:
        return {socket_id: member.socket for socket_id, member in self._members.items()}

    def __repr__(self) -> str:
        return repr(self._copy())

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, socket_id: str) -> Socket:
        return self._members[socket_id].socket

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._members))

    def values(self) -> ValuesView[Socket]:
        return self._copy().values()

    def items(self) -> ItemsView[str, Socket]:
        return self._copy().items()


class Namespace(Listening, BroadcastOperator):
    """One namespace of a server; made by ``Server.of``. It is the operator that chooses all its sockets.

    Attributes:
        name: begins with a slash.
        server: the server that it belongs to.
    """

    def __init__(self, server: Server, namespace: NamespaceState) -> None:
        BroadcastOperator.__init__(self, namespace, EVERYBODY)
        self.name = namespace.name
        self.server = server

    def __repr__(self) -> str:
        return f"<Namespace {self.name!r} with {len(self._namespace.adapter.members)} sockets>"

    @property
    def sockets(self) -> Mapping[str, Socket]:
        """The sockets by id, from CONNECT until their ``disconnecting`` handlers have run."""
        return Sockets(self._namespace.adapter.members)

    # handlers

    def _table(self) -> NamespaceHandlers:
        return self._namespace.handlers

    @overload
    def on_room(self, event: RoomEvent, observer: Observer) -> Observer: ...
    @overload
    def on_room(self, event: RoomEvent, observer: None = None) -> Callable[[Observer], Observer]: ...

    def on_room(
        self, event: RoomEvent, observer: Observer | None = None
    ) -> Observer | Callable[[Observer], Observer]:
        """Register a function that is told of rooms, as a decorator or directly.

        It is called after the change, and never while another one is being called. The room of a socket's own id is
        told of, too. Rooms exist as long as a socket of this server is in them.

        Args:
            event: ``"create-room"``, ``"join-room"``, ``"leave-room"`` or ``"delete-room"``. When a socket makes a room
                it is created before the socket joins it; when the last one leaves, that is told before its end.
            observer: a plain function, which must not block. It is given the room, and for ``"join-room"`` and
                ``"leave-room"`` the socket's id, too. What it raises is logged.

        Raises:
            ValueError: there is no such event.
            TypeError: the function would never be awaited, or cannot be called so.
        """
        if event not in ROOM_EVENTS:
            raise ValueError(f"{event!r} is no event of rooms: they are {', '.join(map(repr, ROOM_EVENTS))}")

        def register(function: Observer) -> Observer:
            require_hook(function, "an observer of rooms", ROOM_EVENTS[event])
            self._namespace.adapter.on_room(event, function)
            return function

        return register if observer is None else register(observer)

    def use(self, middleware: F) -> F:
        """Run ``middleware(socket)`` for each CONNECT, in the order of registration, before it is answered.

        An exception refuses the client: ``ConnectRefused`` with its own message, any other with
        ``Internal server error``. It is cancelled when the client goes away. What it returns does not matter.

        Raises:
            TypeError: it cannot be called with the socket alone.
        """
        require_middleware(middleware, Socket)
        self._namespace.middlewares.append(middleware)
        return middleware
