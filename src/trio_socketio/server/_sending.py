"""The sending half of a socket: events and calls to its client, and broadcasts to other sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trio.lowlevel import checkpoint_if_cancelled, in_trio_task

from trio_socketio.handlers import RUNNING, emit_outside
from trio_socketio.server._from_thread import FromThread
from trio_socketio.server._operators import EVERYBODY
from trio_socketio.server._phase import CONNECTED
from trio_socketio.server._socket_operator import WithFlags
from trio_socketio.server._socket_state import EMITS_BETWEEN_CHECKPOINTS, SocketState
from trio_socketio.serving import FULL
from trio_socketio.socketio import Target

if TYPE_CHECKING:
    from trio_socketio.server._namespace import Namespace
    from trio_socketio.server._namespace_state import NamespaceState

__all__ = ["Sending"]


class Sending(WithFlags):
    """The sending half of a socket. ``Socket`` derives from it and adds the receiving half."""

    __slots__ = ("_state",)

    _state: SocketState

    @property
    def id(self) -> str:
        """The id of the socket: unique in the namespace, and public.

        For clients of protocol 4 it contains the session id, because these clients expect that.
        """
        return self._state.id

    @property
    def nsp(self) -> Namespace:
        """The namespace."""
        return self._state.namespace.public

    @property
    def connected(self) -> bool:
        """Whether events can be sent."""
        return self._state.phase is CONNECTED

    # to others

    def _choice(self) -> tuple[NamespaceState, Target]:
        return self._state.namespace, Target(exclude=frozenset((self._state.id,)))

    def _flagged_socket(self) -> tuple[SocketState, Target]:
        return self._state, EVERYBODY

    # to its client

    @property
    def from_thread(self) -> FromThread:
        """The object for emits from other threads, and from callbacks outside Trio tasks."""
        return FromThread(lambda: self._state.peer.runtime, self)

    async def emit(self, event: str | float, *args: Any) -> None:
        """Send an event to the client. If the outbox is full and its policy waits, wait for room.

        Args:
            event: the name of the event, a string or a number.
            *args: JSON values, which may contain binary anywhere, and other objects that msgspec encodes.

        Raises:
            Disconnected: the socket is not connected. Nothing was sent.
            ReservedEventError: the name is Socket.IO's own.
            LocalProtocolError: the arguments cannot be encoded. Nothing was sent.

        Cancellation: ``Cancelled`` means that the event was not queued. Unlike other async methods, not every call is a
        checkpoint: other tasks run when the outbox is half full, and at least at every 32nd call.
        """
        try:
            await checkpoint_if_cancelled()
        except RuntimeError:
            raise emit_outside("emit") from None
        state = self._state
        if state.phase is not CONNECTED:
            state.raise_disconnected()
        namespace, peer = state.namespace, state.peer
        message = namespace.encode_plain(event, args) or namespace.encode_other(event, args)
        link = peer.session.link
        if peer.waiting or link.send(message) == FULL:
            await peer.send_waiting(state, message)
        state.emits += 1
        if state.emits >= EMITS_BETWEEN_CHECKPOINTS or link.is_loaded:
            await state.let_others_run()

    def emit_nowait(self, event: str | float, *args: Any) -> None:
        """Send an event to the client without waiting. If the outbox is full, drop or disconnect as its policy says.

        Raises:
            Disconnected, ReservedEventError, LocalProtocolError: as ``emit``.
            RuntimeError: called outside a Trio task. Nothing was sent. See ``from_thread``.
        """
        state = self._state
        link = state.peer.session.link
        # Plain handlers and turns of the reactor run in a task. Checking for them takes 20 ns, in_trio_task() 65 ns.
        if (
            not (state.mailbox.state is RUNNING and link.in_own_thread)
            and not link.in_turn
            and not in_trio_task()
        ):
            raise emit_outside("emit_nowait")
        if state.phase is not CONNECTED:
            state.raise_disconnected()
        namespace = state.namespace
        message = namespace.encode_plain(event, args) or namespace.encode_other(event, args)
        if link.send(message) == FULL:
            state.peer.overflow()

    async def call(self, event: str | float, *args: Any) -> Any:
        """Send an event and wait for the client's acknowledgement.

        Set a time limit around it: ``with trio.fail_after(5): await socket.call(…)``.

        Returns:
            The values of the acknowledgement: a tuple if there are several, None if there is none.

        Raises:
            Disconnected: the socket has ended. No answer will come.
            ReservedEventError, LocalProtocolError: as ``emit``.

        Cancellation: an answer that comes later is ignored.
        """
        return await self._state.call(event, args, compress=True)

    async def flush(self) -> None:
        """Wait until all messages queued so far are written, dropped, or lost with the session."""
        await self._state.peer.flush()
