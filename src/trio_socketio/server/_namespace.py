"""A namespace: its handlers, its middlewares, its sockets and their rooms."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from typing import TYPE_CHECKING, TypeVar, overload

from trio_socketio.adapters import ROOM_EVENTS, RoomEvent, RoomObserver
from trio_socketio.handlers import HandlerFunction, require_event_name, require_hook
from trio_socketio.server._listening import Listening, NamespaceHandlers
from trio_socketio.server._namespace_state import NamespaceState
from trio_socketio.server._operators import EVERYBODY, BroadcastOperator, PublicMember
from trio_socketio.server._registration import require_middleware
from trio_socketio.server._socket import Socket

if TYPE_CHECKING:
    from trio_socketio.server._server import Server

__all__ = ["Namespace"]

F = TypeVar("F", bound=HandlerFunction)
Observer = TypeVar("Observer", bound=RoomObserver)


class Sockets(Mapping[str, "Socket"]):
    """Sockets by id. Iteration uses a copy, because sockets may be disconnected meanwhile."""

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, PublicMember]) -> None:
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
    """One namespace of a server, returned by ``Server.of``. It is also the operator that chooses all its sockets.

    Attributes:
        name: the name of the namespace. It begins with a slash.
        server: the server of the namespace.
    """

    _namespace: NamespaceState

    def __init__(self, server: Server, namespace: NamespaceState) -> None:
        BroadcastOperator.__init__(self, namespace, EVERYBODY)
        self.name = namespace.name
        self.server = server

    def __repr__(self) -> str:
        return f"<Namespace {self.name!r} with {len(self._namespace.adapter.members)} sockets>"

    @property
    def sockets(self) -> Mapping[str, Socket]:
        """The sockets by id. A socket is here from CONNECT until its ``disconnecting`` handlers have run."""
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
        """Register a function that is called for changes of rooms, as a decorator or directly.

        Observers are called after the change, one after the other, never nested. Changes of the rooms of sockets' own
        ids are reported, too. A room exists as long as a socket of this server is in it.

        Args:
            event: ``"create-room"``, ``"join-room"``, ``"leave-room"`` or ``"delete-room"``. A join is reported after
                the creation of its room, a leave before its deletion.
            observer: a plain function, which must not block. It takes the room, and for ``"join-room"`` and
                ``"leave-room"`` also the id of the socket. Its exceptions are logged.

        Raises:
            ValueError: the event does not exist.
            TypeError: the function is async, or cannot take these arguments.
        """
        if event not in ROOM_EVENTS:
            raise ValueError(f"event must be one of {', '.join(map(repr, ROOM_EVENTS))}, not {event!r}")

        def register(function: Observer) -> Observer:
            require_hook(function, "an observer of rooms", ROOM_EVENTS[event])
            self._namespace.on_room(event, function)
            return function

        return register if observer is None else register(observer)

    @overload
    def on_server(self, event: str, handler: F) -> F: ...
    @overload
    def on_server(self, event: str, handler: None = None) -> Callable[[F], F]: ...

    def on_server(self, event: str, handler: F | None = None) -> F | Callable[[F], F]:
        """Register a handler for an event that other servers of the cluster send, as a decorator or directly.

        Args:
            event: the name that ``server_side_emit`` or ``server_side_call`` is called with.
            handler: ``async def`` or ``def``. It takes the event's arguments, converted to its annotations. Its return
                value is the value for ``server_side_call``. A ``def`` must not block.

        Raises:
            TypeError: as ``on``.
        """
        require_event_name(event)

        def register(function: F) -> F:
            self._namespace.server_events.table.add(event, function, once=False)
            return function

        return register if handler is None else register(handler)

    def use(self, middleware: F) -> F:
        """Run ``middleware(socket)`` for each CONNECT before it is answered, in the order of registration.

        An exception refuses the client: ``ConnectRefused`` with its own message, any other with
        ``Internal server error``. The middleware is cancelled when the client disconnects. Its return value is ignored.

        Raises:
            TypeError: the middleware cannot be called with the socket alone.
        """
        require_middleware(middleware, Socket)
        self._namespace.middlewares.append(middleware)
        return middleware
