"""A namespace: its handlers, its middlewares, its sockets and their rooms."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from typing import TYPE_CHECKING, TypeVar

from trio_socketio.handlers import HandlerFunction
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
