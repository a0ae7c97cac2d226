"""Whom an emit is for: immutable, chainable, as in Socket.IO."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import trio

from trio_socketio.errors import LocalProtocolError
from trio_socketio.handlers import emit_outside, require_task_to_emit
from trio_socketio.server._from_thread import FromThread
from trio_socketio.socketio import Target

if TYPE_CHECKING:
    from trio_socketio.server._namespace import Namespace
    from trio_socketio.server._sending import Sending
    from trio_socketio.server._socket import Socket

__all__ = ["Answers", "BroadcastOperator", "SocketOperator"]

Rooms = str | Iterable[str]


def names(rooms: tuple[Rooms, ...]) -> list[str]:
    """Room names, from ``to("a", "b")`` as from ``to(["a", "b"])``.

    Members of a ``StrEnum``, and other subclasses of ``str``, become plain texts, as the room index takes no others.

    Raises:
        TypeError: a room is not a ``str``.
    """
    flat: list[str] = []
    for room in rooms:
        flat.extend([room] if isinstance(room, str) else room)
    return [room if type(room) is str else _plain(room) for room in flat]


def _plain(room: str) -> str:
    if not isinstance(room, str):
        raise TypeError(f"a room is a str, not {type(room).__name__}")
    return str.__str__(room)


class Answers(NamedTuple):
    """What a broadcast call has brought."""

    values: dict[str, Any]  #: by socket id, as ``Socket.call`` returns them
    missing: frozenset[str]  #: ids of those who did not answer in time, or left


class BroadcastOperator:
    """A choice of sockets of one namespace, with flags. Every method returns a new operator."""

    __slots__ = ("_namespace", "_target")

    def __init__(self, namespace: Namespace, target: Target) -> None:
        self._namespace = namespace
        self._target = target

    def _with(self, target: Target) -> Self:
        return type(self)(self._namespace, target)

    def to(self, *rooms: Rooms) -> Self:
        """The sockets in any of these rooms, besides those already chosen; each socket once.

        No rooms choose no socket: ``to([])`` reaches nobody, unless other rooms are chosen too.
        """
        return self._with(self._target.to(names(rooms)))

    in_ = to

    def except_(self, *rooms: Rooms) -> Self:
        """Leave out the sockets in any of these rooms. A socket's id is a room, too. No rooms leave out no socket."""
        return self._with(self._target.without(names(rooms)))

    @property
    def volatile(self) -> Self:
        """Dropped for those who cannot take it at once."""
        return self._with(replace(self._target, volatile=True))

    @property
    def local(self) -> Self:
        """Not passed on to other servers."""
        return self._with(replace(self._target, local=True))

    def compress(self, compress: bool) -> Self:
        """Whether the message may be compressed, where clients and options allow for it."""
        return self._with(replace(self._target, compress=compress))

    @property
    def from_thread(self) -> FromThread:
        """For emits from other threads, and from callbacks that no Trio task runs."""
        return FromThread(self._namespace.server._require_runtime, self)

    def emit_nowait(self, event: str | float, *args: Any) -> None:
        """Send an event to all who are chosen, without waiting.

        Raises:
            ReservedEventError: the name is Socket.IO's own.
            LocalProtocolError: the arguments cannot be encoded; nobody got anything.
            RuntimeError: no Trio task calls; nothing was sent. See ``from_thread``.
        """
        require_task_to_emit("emit_nowait")
        self._namespace._broadcast(self._namespace._encode(event, args), self._target)

    async def emit(self, event: str | float, *args: Any) -> None:
        """Send an event to all who are chosen. It waits for none of them; one with a full outbox pays for itself.

        Raises:
            ReservedEventError, LocalProtocolError: as ``emit_nowait``.

        Cancellation: ``Cancelled`` means that it was not sent to anyone. At least every 32nd call, or after 64 KiB, it
        lets what is queued be written as far as the clients read: in between it is no checkpoint, so that several
        messages go out in one write.
        """
        try:
            await trio.lowlevel.checkpoint_if_cancelled()
        except RuntimeError:
            raise emit_outside("emit") from None
        message = self._namespace._encode(event, args)
        self._namespace._broadcast(message, self._target)
        await self._namespace._after_broadcast(message)

    async def send(self, *args: Any) -> None:
        """``emit("message", *args)``."""
        await self.emit("message", *args)

    async def call(self, event: str | float, *args: Any, timeout: float) -> Answers:
        """Send an event to all who are chosen, and collect their acknowledgements.

        Args:
            event: its name.
            *args: its arguments.
            timeout: how long to wait for all of them, in seconds: who answered in time is the result.

        Returns:
            The answers by socket id, and who did not answer.

        Raises:
            ReservedEventError, LocalProtocolError: as ``emit_nowait``.

        Cancellation: answers that come later are ignored.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        return await self._namespace._call(event, args, self._target, timeout)

    async def fetch_sockets(self) -> list[Socket]:
        """The chosen sockets, as far as they are connected."""
        await trio.lowlevel.checkpoint()
        return [socket for socket in self._namespace._index.select(self._target) if socket.connected]

    async def sockets_join(self, *rooms: Rooms) -> None:
        """Let the chosen sockets join rooms.

        Raises:
            TypeError: a room is not a ``str``.
            ValueError: a room is the id of another socket of the namespace than one that joins it; none has joined any.
        """
        wanted, sockets = names(rooms), await self.fetch_sockets()
        for socket in sockets:
            socket._require_own(wanted)
        for socket in sockets:
            socket.join(wanted)

    async def sockets_leave(self, *rooms: Rooms) -> None:
        """Let the chosen sockets leave rooms."""
        for socket in await self.fetch_sockets():
            socket.leave(*rooms)

    async def disconnect_sockets(self, close: bool = False) -> None:
        """Disconnect the chosen sockets; see ``Socket.disconnect``."""
        for socket in await self.fetch_sockets():
            socket.disconnect(close)

    async def server_side_emit(self, event: str, *args: Any) -> None:
        """Send an event to the other servers of a cluster; without a cluster adapter there are none.

        Raises:
            LocalProtocolError: there is no cluster adapter.
        """
        await trio.lowlevel.checkpoint()
        raise LocalProtocolError(
            f"server_side_emit({event!r}) needs a cluster adapter, and this server has none"
        )


class SocketOperator:
    """Flags for what one socket is sent, ``socket.volatile.emit(…)``, or what it sends to others.

    ``to``, ``in_``, ``except_``, ``local`` and ``broadcast`` choose other sockets of the namespace, as those of the
    socket itself do; all else is for the socket's own client. Every method returns a new operator.
    """

    __slots__ = ("_socket", "_target")

    def __init__(self, socket: Sending, target: Target) -> None:
        self._socket = socket
        self._target = target

    @property
    def volatile(self) -> SocketOperator:
        """Dropped if the client cannot take it at once."""
        return SocketOperator(self._socket, replace(self._target, volatile=True))

    def compress(self, compress: bool) -> SocketOperator:
        """Whether the message may be compressed, where the client and the options allow for it."""
        return SocketOperator(self._socket, replace(self._target, compress=compress))

    @property
    def broadcast(self) -> BroadcastOperator:
        """All sockets of the namespace but this one, with the flags given so far."""
        return BroadcastOperator(self._socket.nsp, self._target.without([self._socket.id]))

    def to(self, *rooms: Rooms) -> BroadcastOperator:
        """The sockets in these rooms but this one, with the flags given so far; ``to([])`` reaches nobody."""
        return self.broadcast.to(*rooms)

    in_ = to

    def except_(self, *rooms: Rooms) -> BroadcastOperator:
        """As ``broadcast``, without the sockets in these rooms."""
        return self.broadcast.except_(*rooms)

    @property
    def local(self) -> BroadcastOperator:
        """As ``broadcast``, not passed on to other servers."""
        return self.broadcast.local

    @property
    def from_thread(self) -> FromThread:
        """As ``Socket.from_thread``, with the flags given so far."""
        return FromThread(lambda: self._socket._runtime, self)

    def emit_nowait(self, event: str | float, *args: Any) -> None:
        """As ``Socket.emit_nowait``."""
        self._socket._emit_flagged_nowait(event, args, self._target)

    async def emit(self, event: str | float, *args: Any) -> None:
        """As ``Socket.emit``; a volatile emit never waits."""
        await self._socket._emit_flagged(event, args, self._target)

    async def send(self, *args: Any) -> None:
        """``emit("message", *args)``."""
        await self.emit("message", *args)

    async def call(self, event: str | float, *args: Any) -> Any:
        """As ``Socket.call``. Its event is never dropped, because it is waited for: ``volatile`` changes nothing."""
        return await self._socket._call(event, args, compress=self._target.compress)
