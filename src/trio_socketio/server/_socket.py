"""The socket: one client in one namespace. Handlers receive it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trio_socketio.handlers import HandlerTable, SocketNursery, require_task
from trio_socketio.server._handshake import Handshake
from trio_socketio.server._inbox import EventIteration, EventIterator
from trio_socketio.server._listening import Listening, SocketHandlers
from trio_socketio.server._phase import CONNECTING
from trio_socketio.server._room_names import Rooms, names
from trio_socketio.server._sending import Sending
from trio_socketio.server._socket_state import SocketState
from trio_socketio.serving import EngineConn

if TYPE_CHECKING:
    from trio_socketio.engineio import EngineRequest, TransportName

__all__ = ["Socket"]


class Socket(Sending, Listening):
    """One client in one namespace."""

    __slots__ = ("__weakref__", "_data")

    def __init__(self, state: SocketState) -> None:
        self._state = state

    def __repr__(self) -> str:
        state = self._state
        return f"<Socket {state.id} in {state.namespace.name!r} {state.phase.name}>"

    # attributes

    @property
    def handshake(self) -> Handshake:
        """The details of the client's connection request."""
        state = self._state
        if state.handshake is None:
            state.handshake = Handshake(state.peer.session.request, state.auth or {}, state.peer.issued)
        return state.handshake

    @property
    def dropped(self) -> int:
        """The number of its events that neither a handler nor an iteration took."""
        return self._state.dropped

    @property
    def data(self) -> Any:
        """Data of the application for this socket: an empty ``dict``, unless the application assigns another object."""
        try:
            return self._data
        except AttributeError:
            self._data: Any = {}
            return self._data

    @data.setter
    def data(self, value: Any) -> None:
        self._data = value

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms that the socket is in, including its own id."""
        return self._state.rooms

    @property
    def conn(self) -> EngineConn:
        """The Engine.IO session below. All sockets of the client share it."""
        return self._state.peer.conn

    @property
    def request(self) -> EngineRequest:
        """The first HTTP request of the session."""
        return self._state.peer.session.request

    @property
    def transport(self) -> TransportName:
        """The current transport: ``"polling"`` or ``"websocket"``."""
        return self._state.peer.session.transport.name

    @property
    def nursery(self) -> SocketNursery:
        """The nursery for tasks that end with the socket. If one raises an exception, only this socket disconnects."""
        return self._state.mailbox.nursery

    # handlers

    def _table(self) -> HandlerTable:
        return self._state.mailbox.own_table(SocketHandlers)

    def ready(self) -> None:
        """Let handlers receive events now, although a connection handler still runs."""
        require_task("ready")
        self._state.ready()

    def __aiter__(self) -> EventIterator:
        """Iterate over the events that have no handler, as ``Event``, until the socket ends. This calls ``ready``.

        Several loops at the same time share the events. When all loops have ended, events without a handler are dropped
        again.
        """
        require_task("iterating")
        state = self._state
        iteration = state.mailbox.iteration
        if iteration is None:
            iteration = state.mailbox.iteration = EventIteration()
        iterator = iteration.iterator(state.peer.runtime.inlet)
        if state.has_ended:
            iteration.close()
        state.ready()
        return iterator

    # rooms

    def join(self, *rooms: Rooms) -> None:
        """Join rooms. In a middleware, the rooms are joined when the client is accepted.

        If users choose the names of rooms, add a prefix such as ``f"room:{name}"``, because the id of a socket is the
        name of a room that only this socket may join.

        Raises:
            TypeError: a room is not a ``str``.
            ValueError: a room is the id of another socket of the namespace, in this process. No room was joined.
        """
        require_task("join")
        wanted = names(rooms)
        if self._state.phase is CONNECTING:
            self._state.join_later(wanted)
        else:
            self._state.join(wanted)

    def leave(self, *rooms: Rooms) -> None:
        """Leave rooms. Rooms that the socket is not in are ignored."""
        require_task("leave")
        self._state.leave(names(rooms))

    def disconnect(self, close: bool = False) -> None:
        """Disconnect the client from this namespace, and cancel the socket's handlers and tasks.

        Args:
            close: disconnect the client from all its namespaces, and end the session.
        """
        require_task("disconnect")
        self._state.disconnect(close)
