"""What a socket sends to its own client with flags, and what it sends to others."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trio_socketio.server._from_thread import FromThread
from trio_socketio.server._operators import BroadcastOperator, Choosing
from trio_socketio.socketio import Target

if TYPE_CHECKING:
    from trio_socketio.server._namespace_state import NamespaceState
    from trio_socketio.server._socket_state import SocketState

__all__ = ["SocketOperator", "WithFlags"]


class WithFlags(Choosing):
    """A socket, or one with flags: it chooses from all other sockets of its namespace."""

    __slots__ = ()

    @abstractmethod
    def _flagged_socket(self) -> tuple[SocketState, Target]:
        """The socket, and the flags so far."""

    @property
    def broadcast(self) -> BroadcastOperator:
        """All sockets of the namespace but this one, with the flags given so far."""
        return BroadcastOperator(*self._choice())

    @property
    def volatile(self) -> SocketOperator:
        """For emits that are dropped if the client cannot take them at once."""
        state, target = self._flagged_socket()
        return SocketOperator(state, replace(target, volatile=True))

    def compress(self, compress: bool) -> SocketOperator:
        """For emits that may, or may not, be compressed, where the client and the options allow for it."""
        state, target = self._flagged_socket()
        return SocketOperator(state, replace(target, compress=compress))

    @abstractmethod
    async def emit(self, event: str | float, *args: Any) -> None:
        """Send an event to the socket's client."""

    async def send(self, *args: Any) -> None:
        """``emit("message", *args)``."""
        await self.emit("message", *args)


class SocketOperator(WithFlags):
    """Flags for what one socket is sent, ``socket.volatile.emit(…)``, or what it sends to others.

    ``to``, ``in_``, ``except_``, ``local`` and ``broadcast`` choose other sockets of the namespace, as those of the
    socket itself do; all else is for the socket's own client. Every method returns a new operator.
    """

    __slots__ = ("_state", "_target")

    def __init__(self, state: SocketState, target: Target) -> None:
        self._state = state
        self._target = target

    def _flagged_socket(self) -> tuple[SocketState, Target]:
        return self._state, self._target

    def _choice(self) -> tuple[NamespaceState, Target]:
        return self._state.namespace, self._target.without([self._state.id])

    @property
    def from_thread(self) -> FromThread:
        """As ``Socket.from_thread``, with the flags given so far."""
        return FromThread(lambda: self._state.client.runtime, self)

    def emit_nowait(self, event: str | float, *args: Any) -> None:
        """As ``Socket.emit_nowait``."""
        self._state.emit_flagged_nowait(event, args, self._target)

    async def emit(self, event: str | float, *args: Any) -> None:
        """As ``Socket.emit``; a volatile emit never waits."""
        await self._state.emit_flagged(event, args, self._target)

    async def call(self, event: str | float, *args: Any) -> Any:
        """As ``Socket.call``. Its event is never dropped, because it is waited for: ``volatile`` changes nothing."""
        return await self._state.call(event, args, compress=self._target.compress)
