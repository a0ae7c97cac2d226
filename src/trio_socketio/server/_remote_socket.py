"""Sockets of other servers in the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import trio

from trio_socketio.adapters import Adapter, SocketRecord
from trio_socketio.errors import Disconnected
from trio_socketio.server._room_names import Rooms, names
from trio_socketio.socketio import Target

if TYPE_CHECKING:
    from trio_socketio.server._operators import BroadcastOperator

__all__ = ["RemoteHandshake", "RemoteSocket", "target_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteHandshake:
    """The details of the connection request of a socket on another server, the same nine as ``Handshake``.

    Another server tells them. What it does not tell is empty.
    """

    headers: dict[str, Any]
    time: str
    address: str
    xdomain: bool
    secure: bool
    issued: int
    url: str
    query: dict[str, Any]
    auth: dict[str, Any]


_KINDS: dict[str, type] = {
    "headers": dict,
    "time": str,
    "address": str,
    "xdomain": bool,
    "secure": bool,
    "issued": int,
    "url": str,
    "query": dict,
    "auth": dict,
}


def _handshake_of(record: SocketRecord) -> RemoteHandshake:
    """Return the handshake that a server tells. A value of another type counts as not told."""
    told: dict[str, Any] = {name: kind() for name, kind in _KINDS.items()}
    for name, kind in _KINDS.items():
        value = record.handshake.get(name)
        if type(value) is kind:
            told[name] = value
    return RemoteHandshake(**told)


def target_of(record: SocketRecord) -> Target:
    """Return the target that chooses this socket alone."""
    return Target(frozenset((record.id,)))


class RemoteSocket:
    """A socket of another server, as it was when ``fetch_sockets`` was called.

    Attributes:
        id: the id of the socket.
        handshake: the details of the client's connection request.
        rooms: the rooms that the socket was in, including its own id.
        data: the part of its ``data`` that both JSON and MessagePack can hold.
    """

    __slots__ = ("_adapter", "_operator", "_target", "data", "handshake", "id", "rooms")

    def __init__(self, operator: BroadcastOperator, adapter: Adapter[Any], record: SocketRecord) -> None:
        self.id = record.id
        self.handshake = _handshake_of(record)
        self.rooms = record.rooms
        self.data = record.data
        self._operator, self._adapter = operator, adapter
        self._target = target_of(record)

    def __repr__(self) -> str:
        return f"<RemoteSocket {self.id}>"

    async def emit(self, event: str | float, *args: Any) -> None:
        """Send an event to the client, if it is still connected; see ``BroadcastOperator.emit``."""
        await self._operator.emit(event, *args)

    async def call(self, event: str | float, *args: Any, timeout: float = 5.0) -> Any:
        """Send an event and return the client's acknowledgement.

        Args:
            event: the name of the event.
            *args: its arguments.
            timeout: how long to wait, in seconds.

        Returns:
            The values of the acknowledgement: a tuple if there are several, None if there is none. Node's servers pass
            only the first one on.

        Raises:
            Disconnected: no server has this socket any more.
            trio.TooSlowError: there was no acknowledgement in time, or a server did not answer.
            ReservedEventError, LocalProtocolError: as ``emit``.
        """
        answers = await self._operator.call(event, *args, timeout=timeout)
        for value in (*answers.values.values(), *answers.unnamed):
            return value
        if answers.is_complete:
            raise Disconnected(f"the socket {self.id} is not connected any more")
        raise trio.TooSlowError(f"no acknowledgement of {self.id} within {timeout:g} s")

    def join(self, *rooms: Rooms) -> None:
        """Let the socket join rooms. Its server does so a little later.

        Raises:
            TypeError: a room is not a ``str``.
        """
        self._adapter.sockets_join_nowait(self._target, names(rooms))

    def leave(self, *rooms: Rooms) -> None:
        """Let the socket leave rooms. Its server does so a little later."""
        self._adapter.sockets_leave_nowait(self._target, names(rooms))

    def disconnect(self, close: bool = False) -> None:
        """Disconnect the socket; see ``Socket.disconnect``. Its server does so a little later."""
        self._adapter.disconnect_sockets_nowait(self._target, close)
