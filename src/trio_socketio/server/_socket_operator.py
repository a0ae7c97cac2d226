"""Sockets with flags, such as ``socket.volatile``: they emit to the socket's own client or to other sockets."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trio.lowlevel import checkpoint_if_cancelled, in_trio_task

from trio_socketio._core import Message
from trio_socketio.handlers import RUNNING, emit_outside
from trio_socketio.server._from_thread import FromThread
from trio_socketio.server._operators import BroadcastOperator, Choosing
from trio_socketio.server._socket_state import EMITS_BETWEEN_CHECKPOINTS, SocketState
from trio_socketio.serving import FULL
from trio_socketio.socketio import Target

if TYPE_CHECKING:
    from trio_socketio.server._namespace_state import NamespaceState

__all__ = ["SocketOperator", "WithFlags"]


class WithFlags(Choosing):
    """A socket, or a socket with flags. It chooses from all other sockets of its namespace."""

    __slots__ = ()

    @abstractmethod
    def _flagged_socket(self) -> tuple[SocketState, Target]:
        """Return the socket, and a target with the flags given so far."""

    @property
    def broadcast(self) -> BroadcastOperator:
        """The operator that chooses all other sockets of the namespace, with the flags given so far."""
        return BroadcastOperator(*self._choice())

    @property
    def volatile(self) -> SocketOperator:
        """This socket with a flag: emits are dropped if the client cannot take them at once."""
        state, target = self._flagged_socket()
        return SocketOperator(state, replace(target, volatile=True))

    def compress(self, compress: bool) -> SocketOperator:
        """Return this socket with a flag: whether emits may be compressed, where client and options allow it."""
        state, target = self._flagged_socket()
        return SocketOperator(state, replace(target, compress=compress))

    @abstractmethod
    async def emit(self, event: str | float, *args: Any) -> None:
        """Send an event to the socket's client."""

    async def send(self, *args: Any) -> None:
        """Send the event ``message``: short for ``emit("message", *args)``."""
        await self.emit("message", *args)


class SocketOperator(WithFlags):
    """One socket with flags for the events it sends, as in ``socket.volatile.emit(…)``.

    ``to``, ``in_``, ``except_``, ``local`` and ``broadcast`` choose other sockets of the namespace, as on the socket
    itself. ``emit``, ``emit_nowait``, ``send`` and ``call`` are for the socket's own client. Flags return a new
    operator.
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
        """Like ``Socket.from_thread``, with the flags given so far."""
        return FromThread(lambda: self._state.peer.runtime, self)

    def emit_nowait(self, event: str | float, *args: Any) -> None:
        """Send an event as ``Socket.emit_nowait`` does, with the flags."""
        state, peer = self._state, self._state.peer
        link = peer.session.link
        # This check is faster than in_trio_task() alone; see ``Sending.emit_nowait``.
        if (
            not (state.mailbox.state is RUNNING and link.in_own_thread)
            and not link.in_turn
            and not in_trio_task()
        ):
            raise emit_outside("emit_nowait")
        if link.send(self._message(event, args), volatile=self._target.volatile) == FULL:
            peer.overflow()

    async def emit(self, event: str | float, *args: Any) -> None:
        """Send an event as ``Socket.emit`` does, with the flags. A volatile emit never waits for room."""
        try:
            await checkpoint_if_cancelled()
        except RuntimeError:
            raise emit_outside("emit") from None
        state, message = self._state, self._message(event, args)
        peer = state.peer
        link = peer.session.link
        if self._target.volatile:
            link.send(message, volatile=True)
        elif peer.waiting or link.send(message) == FULL:
            await peer.send_waiting(state, message)
        state.emits += 1
        if state.emits >= EMITS_BETWEEN_CHECKPOINTS or link.is_loaded:
            await state.let_others_run()

    def _message(self, event: str | float, args: tuple[Any, ...]) -> Message:
        if not self._state.connected:
            self._state.raise_disconnected()
        message = self._state.namespace.encode(event, args)
        if not self._target.compress:
            message.compress = False
        return message

    async def call(self, event: str | float, *args: Any) -> Any:
        """Send an event as ``Socket.call`` does. ``volatile`` has no effect: a call is never dropped."""
        return await self._state.call(event, args, compress=self._target.compress)
