"""Operators: immutable, chainable choices of the sockets that an emit is for, as in Socket.IO."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import trio

from trio_socketio.adapters import Answers, Broadcast
from trio_socketio.handlers import emit_outside, require_task_to_call, require_task_to_emit
from trio_socketio.server._from_thread import FromThread
from trio_socketio.socketio import Target

if TYPE_CHECKING:
    from trio_socketio.server._namespace_state import NamespaceState
    from trio_socketio.server._socket import Socket

__all__ = ["EVERYBODY", "BroadcastOperator", "Choosing", "Rooms", "names"]

Rooms = str | Iterable[str]

#: The target of an operator that chooses all sockets.
EVERYBODY = Target()


def names(rooms: tuple[Rooms, ...]) -> list[str]:
    """Return the room names of both ``to("a", "b")`` and ``to(["a", "b"])``.

    Members of a ``StrEnum``, and other subclasses of ``str``, become plain ``str``, because the room index takes no
    others.

    Raises:
        TypeError: a room is not a ``str``.
    """
    flat: list[str] = []
    for room in rooms:
        if isinstance(room, str):
            flat.append(room)
        else:
            flat.extend(_several(room))
    return [room if type(room) is str else _plain(room) for room in flat]


def _several(rooms: object) -> Iterable[str]:
    if not isinstance(rooms, Iterable):
        raise TypeError(f"a room is a str, not {type(rooms).__name__}")
    return rooms


def _plain(room: str) -> str:
    if not isinstance(room, str):
        raise TypeError(f"a room is a str, not {type(room).__name__}")
    return str.__str__(room)


class Choosing(ABC):
    """An object that chooses sockets of a namespace.

    A server, a namespace and an operator choose from all sockets, a socket from all others.
    """

    __slots__ = ()

    @abstractmethod
    def _choice(self) -> tuple[NamespaceState, Target]:
        """Return the namespace and the target that the methods here narrow."""

    def to(self, *rooms: Rooms) -> BroadcastOperator:
        """Choose the sockets in any of these rooms, in addition to rooms already chosen. Each socket is chosen once.

        ``to([])`` chooses no socket, unless other rooms are chosen too. A socket, and an operator made from a socket,
        never choose that socket.
        """
        namespace, target = self._choice()
        return BroadcastOperator(namespace, target.to(names(rooms)))

    in_ = to

    def except_(self, *rooms: Rooms) -> BroadcastOperator:
        """Leave out the sockets in any of these rooms. A socket's id is a room, too."""
        namespace, target = self._choice()
        return BroadcastOperator(namespace, target.without(names(rooms)))

    @property
    def local(self) -> BroadcastOperator:
        """Choose sockets of this server only. Nothing is sent to other servers of a cluster."""
        namespace, target = self._choice()
        return BroadcastOperator(namespace, replace(target, local=True))


class BroadcastOperator(Choosing):
    """A choice of sockets of one namespace, with flags. A namespace is the operator that chooses all of them.

    ``to``, ``in_``, ``except_``, ``local``, ``volatile`` and ``compress`` return a new operator.
    """

    __slots__ = ("_namespace", "_target")

    def __init__(self, namespace: NamespaceState, target: Target) -> None:
        self._namespace = namespace
        self._target = target

    def _choice(self) -> tuple[NamespaceState, Target]:
        return self._namespace, self._target

    @property
    def volatile(self) -> BroadcastOperator:
        """Drop the message for clients that cannot take it at once."""
        return BroadcastOperator(self._namespace, replace(self._target, volatile=True))

    def compress(self, compress: bool) -> BroadcastOperator:
        """Set whether the message may be compressed, where clients and options allow it."""
        return BroadcastOperator(self._namespace, replace(self._target, compress=compress))

    @property
    def from_thread(self) -> FromThread:
        """The object for emits from other threads, and from callbacks outside Trio tasks."""
        return FromThread(self._namespace.require_runtime, self)

    def emit_nowait(self, event: str | float, *args: Any) -> None:
        """Send an event to all chosen sockets, without waiting.

        Raises:
            ReservedEventError: the name is Socket.IO's own.
            LocalProtocolError: the arguments cannot be encoded. Nothing was sent.
            RuntimeError: called outside a Trio task. Nothing was sent. See ``from_thread``.
        """
        require_task_to_emit("emit_nowait")
        namespace = self._namespace
        namespace.adapter.broadcast(Broadcast(event, args, self._target, namespace.encode))

    async def emit(self, event: str | float, *args: Any) -> None:
        """Send an event to all chosen sockets.

        This does not wait for slow clients; a full outbox is handled by its policy.

        Raises:
            ReservedEventError, LocalProtocolError: as ``emit_nowait``.

        Cancellation: ``Cancelled`` means that the event was not sent to any socket. Every 32nd call, and every call
        after 64 KiB of broadcasts, waits until the queued messages are written, as far as the clients read. Other calls
        are no checkpoints, so that several messages go out in one write.
        """
        try:
            await trio.lowlevel.checkpoint_if_cancelled()
        except RuntimeError:
            raise emit_outside("emit") from None
        namespace = self._namespace
        adapter = namespace.adapter
        broadcast = Broadcast(event, args, self._target, namespace.encode)
        adapter.broadcast(broadcast)
        await adapter.settle(broadcast)

    async def send(self, *args: Any) -> None:
        """Send the event ``message``: short for ``emit("message", *args)``."""
        await self.emit("message", *args)

    async def call(self, event: str | float, *args: Any, timeout: float) -> Answers:
        """Send an event to all chosen sockets, and collect their acknowledgements.

        Args:
            event: the name of the event.
            *args: the arguments of the event.
            timeout: how long to wait for all acknowledgements, in seconds. After it, return those that have come.

        Returns:
            The answers by socket id, and the ids of the sockets that did not answer.

        Raises:
            ReservedEventError, LocalProtocolError: as ``emit_nowait``.

        Cancellation: answers that come later are ignored.
        """
        require_task_to_call("call")
        await trio.lowlevel.checkpoint_if_cancelled()
        namespace = self._namespace
        broadcast = Broadcast(event, args, self._target, namespace.encode, namespace.next_ack_id())
        return await namespace.adapter.call(broadcast, timeout)

    async def fetch_sockets(self) -> list[Socket]:
        """Return the chosen sockets that are connected."""
        members = await self._namespace.adapter.fetch(self._target)
        return [member.socket for member in members if member.connected]

    async def sockets_join(self, *rooms: Rooms) -> None:
        """Let the chosen sockets join rooms.

        Raises:
            TypeError: a room is not a ``str``.
            ValueError: a room is the id of another socket than the one that would join it. No room was joined.
        """
        await self._namespace.adapter.sockets_join(self._target, names(rooms))

    async def sockets_leave(self, *rooms: Rooms) -> None:
        """Let the chosen sockets leave rooms.

        Raises:
            TypeError: a room is not a ``str``.
        """
        await self._namespace.adapter.sockets_leave(self._target, names(rooms))

    async def disconnect_sockets(self, close: bool = False) -> None:
        """Disconnect the chosen sockets; see ``Socket.disconnect``."""
        await self._namespace.adapter.disconnect_sockets(self._target, close)

    async def server_side_emit(self, event: str, *args: Any) -> None:
        """Send an event to the other servers of a cluster. This needs a cluster adapter.

        Raises:
            LocalProtocolError: there is no cluster adapter.
        """
        await self._namespace.adapter.server_side_emit(event, args)
