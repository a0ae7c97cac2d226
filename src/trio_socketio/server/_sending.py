"""What a socket sends: events, calls and broadcasts to others."""

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
    """The half of a socket that sends; the other one is ``Socket``."""

    __slots__ = ("_state",)

    _state: SocketState

    @property
    def id(self) -> str:
        """Unique in the namespace, and public; with clients of protocol 4 it holds the session's id, as they expect."""
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
        """For emits from other threads, and from callbacks that no Trio task runs."""
        return FromThread(lambda: self._state.client.runtime, self)

    async def emit(self, event: str | float, *args: Any) -> None:
        """Send an event, waiting for room in the outbox where its policy says so.

        Args:
            event: its name, text or a number.
            *args: JSON values, binary anywhere among them, and what msgspec encodes.

        Raises:
            Disconnected: the socket is not connected; nothing was sent.
            ReservedEventError: the name is Socket.IO's own.
            LocalProtocolError: the arguments cannot be encoded; nothing was sent.

        Cancellation: ``Cancelled`` means that it was not queued. It yields to other tasks when the outbox is half
        full, and at least every 32nd call: the one exception to the rule that each call is a checkpoint.
        """
        try:
            await checkpoint_if_cancelled()
        except RuntimeError:
            raise emit_outside("emit") from None
        state = self._state
        if state.phase is not CONNECTED:
            state.raise_disconnected()
        namespace, client = state.namespace, state.client
        message = namespace.encode_plain(event, args) or namespace.encode_other(event, args)
        conn = client.session.link
        if client.waiting or conn.send(message) == FULL:
            await client.send_waiting(state, message)
        state.emits += 1
        if state.emits >= EMITS_BETWEEN_CHECKPOINTS or conn.is_loaded:
            await state.let_others_run()

    def emit_nowait(self, event: str | float, *args: Any) -> None:
        """Send an event without waiting; with a full outbox the client is disconnected, or its policy drops.

        Raises:
            Disconnected, ReservedEventError, LocalProtocolError: as ``emit``.
            RuntimeError: no Trio task calls; nothing was sent. See ``from_thread``.
        """
        state = self._state
        conn = state.client.session.link
        # A plain handler and a turn of the reactor run in a task: to see that takes 20 ns instead of 65.
        if (
            not (state.mailbox.state is RUNNING and conn.in_own_thread)
            and not conn.in_turn
            and not in_trio_task()
        ):
            raise emit_outside("emit_nowait")
        if state.phase is not CONNECTED:
            state.raise_disconnected()
        namespace = state.namespace
        message = namespace.encode_plain(event, args) or namespace.encode_other(event, args)
        if conn.send(message) == FULL:
            state.client.overflow()

    async def call(self, event: str | float, *args: Any) -> Any:
        """Send an event and wait for the client's acknowledgement.

        Its time limit is the caller's: ``with trio.fail_after(5): await socket.call(…)``.

        Returns:
            What the client answered; a tuple for several values, None for none.

        Raises:
            Disconnected: the socket has ended; no answer will come.
            ReservedEventError, LocalProtocolError: as ``emit``.

        Cancellation: an answer that comes later is ignored.
        """
        return await self._state.call(event, args, compress=True)

    async def flush(self) -> None:
        """Wait until all that was sent to the client so far is written, or lost with the connection."""
        await self._state.client.flush()
