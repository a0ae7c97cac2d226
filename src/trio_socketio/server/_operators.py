"""Operators: immutable, chainable choices of the sockets that an emit is for, as in Socket.IO."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import trio

from trio_socketio._core import Message
from trio_socketio.adapters import Adapter, Answers, Broadcast, LocalMember, SocketRecord
from trio_socketio.errors import ClusterTimeout
from trio_socketio.handlers import emit_outside, require_task_to_call, require_task_to_emit
from trio_socketio.server._from_thread import FromThread
from trio_socketio.server._remote_socket import RemoteSocket, target_of
from trio_socketio.server._room_names import Rooms, names
from trio_socketio.serving import BaseRuntime, Overflowing
from trio_socketio.socketio import Target

if TYPE_CHECKING:
    from trio_socketio.server._socket import Socket

__all__ = ["EVERYBODY", "BroadcastOperator", "Choosing", "EmittingNamespace", "PublicMember"]

#: The target of an operator that chooses all sockets.
EVERYBODY = Target()


class PublicMember(LocalMember):
    """A member of a namespace that a public socket belongs to.

    Attributes:
        peer: the session of the socket. Sockets of one client in several namespaces share it.
    """

    __slots__ = ("_socket", "id")

    peer: Overflowing

    def __init__(self, socket_id: str) -> None:
        self.id = socket_id
        self._socket: Socket | None = None

    def attach(self, socket: Socket) -> None:
        """Set the public socket, until ``vanish``."""
        self._socket = socket

    @property
    def socket(self) -> Socket:
        """The public socket, until ``vanish``."""
        assert self._socket is not None
        return self._socket

    def vanish(self) -> None:
        """Drop the reference to the public socket, which would form a cycle."""
        self._socket = None

    @abstractmethod
    def make_way(self) -> None:
        """Leave the namespace, so that a new socket can use the same id."""

    @abstractmethod
    async def finish(self) -> None:
        """Wait until its events are handled and its messages are written, or until the socket has ended."""


class EmittingNamespace(Protocol):
    """The namespace of an operator: its adapter, and its encoder of messages."""

    @property
    def adapter(self) -> Adapter[PublicMember]:
        """The adapter, which keeps the sockets and their rooms."""
        ...

    @property
    def require_runtime(self) -> Callable[[], BaseRuntime]:
        """A function that returns the running server's runtime, or raises ``RuntimeError``."""
        ...

    def encode(self, event: object, args: tuple[Any, ...], ack_id: int | None = None) -> Message:
        """Encode an event; see ``NamespaceState.encode``."""
        ...

    def next_ack_id(self) -> int:
        """Return an id for the acknowledgements of one event."""
        ...


class Choosing(ABC):
    """An object that chooses sockets of a namespace.

    A server, a namespace and an operator choose from all sockets, a socket from all others.
    """

    __slots__ = ()

    @abstractmethod
    def _choice(self) -> tuple[EmittingNamespace, Target]:
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

    def __init__(self, namespace: EmittingNamespace, target: Target) -> None:
        self._namespace = namespace
        self._target = target

    def _choice(self) -> tuple[EmittingNamespace, Target]:
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

        Cancellation: ``Cancelled`` means that the event was not sent to any socket. After 32 events, or 64 KiB of them,
        for clients of this server, and after 256 events in any case, a call waits until the queued messages are
        written, as far as the clients read. Other calls are no checkpoints, so that several messages go out in one
        write.
        """
        try:
            await trio.lowlevel.checkpoint_if_cancelled()
        except RuntimeError:
            raise emit_outside("emit") from None
        namespace = self._namespace
        adapter = namespace.adapter
        broadcast = Broadcast(event, args, self._target, namespace.encode, waits=True)
        adapter.broadcast(broadcast)
        if broadcast.must_settle:
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

    async def fetch_sockets(self) -> list[Socket | RemoteSocket]:
        """Return the chosen sockets that are connected, those of other servers of the cluster included.

        Raises:
            ClusterTimeout: other servers did not answer in time. Its ``partial`` has the sockets of those that did.
        """
        try:
            return self._public(await self._namespace.adapter.fetch(self._target))
        except ClusterTimeout as error:
            error.partial = self._public(error.partial)
            raise

    def _public(self, found: Sequence[PublicMember | SocketRecord]) -> list[Socket | RemoteSocket]:
        namespace = self._namespace
        return [
            RemoteSocket(BroadcastOperator(namespace, target_of(item)), namespace.adapter, item)
            if isinstance(item, SocketRecord)
            else item.socket
            for item in found
            if isinstance(item, SocketRecord) or item.connected
        ]

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
        """Send an event to the other servers of a cluster, to their ``on_server`` handlers.

        Raises:
            LocalProtocolError: there is no cluster adapter, or the arguments cannot be sent.
        """
        await self._namespace.adapter.server_side_emit(event, args)

    async def server_side_call(self, event: str, *args: Any, timeout: float = 5.0) -> list[Any]:
        """Send an event to the other servers of a cluster, and return one value of each.

        Args:
            event: the name of the event.
            *args: its arguments.
            timeout: how long to wait for all values, in seconds.

        Raises:
            LocalProtocolError: as ``server_side_emit``.
            ClusterTimeout: not all servers answered in time. Its ``partial`` has the values of those that did.

        Cancellation: values that come later are ignored.
        """
        return await self._namespace.adapter.server_side_call(event, args, timeout)
