"""What a socket sends: events, calls and broadcasts to others."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Any, NoReturn

import trio
from trio.lowlevel import checkpoint_if_cancelled, in_trio_task

from trio_socketio._core import Message
from trio_socketio.errors import Disconnected, DisconnectReason
from trio_socketio.handlers import emit_outside, require_task_to_call
from trio_socketio.server._client import Client
from trio_socketio.server._from_thread import FromThread
from trio_socketio.server._member import SocketMember
from trio_socketio.server._operators import EVERYBODY
from trio_socketio.server._session_client import FULL
from trio_socketio.server._socket_operator import WithFlags
from trio_socketio.socketio import AckReceived, Target

if TYPE_CHECKING:
    from trio_socketio.server._namespace import Namespace
    from trio_socketio.server._namespace_state import NamespaceState
    from trio_socketio.server._runtime import Runtime

__all__ = ["CONNECTED", "CONNECTING", "DISCONNECTED", "REFUSED", "Phase", "Sending"]

#: At least every so often ``emit`` lets other tasks run; each time would cost as much as the rest of an echo.
EMITS_BETWEEN_CHECKPOINTS = 32


class Phase(Enum):
    """Where a socket stands."""

    CONNECTING = auto()  #: the middlewares run
    CONNECTED = auto()
    DISCONNECTED = auto()  #: it was connected, and has ended
    REFUSED = auto()  #: it has ended and never was connected: it was refused, or the client left first


#: The same by themselves: in Python 3.11, to look one up through its class takes 0.1 µs.
CONNECTING, CONNECTED, DISCONNECTED, REFUSED = Phase


class Sending(WithFlags):
    """The half of a socket that sends; the other one is ``Socket``."""

    __slots__ = ("_client", "_emits", "_member", "_namespace", "_phase", "_reason", "_running", "_runtime")

    _member: SocketMember

    def __init__(self, runtime: Runtime, namespace: NamespaceState, client: Client) -> None:
        self._namespace = namespace
        self._runtime = runtime
        self._client = client
        self._phase = CONNECTING
        self._reason: DisconnectReason | None = None
        self._emits = 0
        #: whether one of its events is being handled, unless that is done concurrently; the task if one does it, True
        #: while a plain function is called at once
        self._running: trio.lowlevel.Task | bool = False

    @property
    def id(self) -> str:
        """Unique in the namespace, and public; with clients of protocol 4 it holds the session's id, as they expect."""
        return self._member.id

    @property
    def nsp(self) -> Namespace:
        """The namespace."""
        return self._namespace.public

    @property
    def connected(self) -> bool:
        """Whether events can be sent."""
        return self._phase is CONNECTED

    # to others

    def _choice(self) -> tuple[NamespaceState, Target]:
        return self._namespace, Target(exclude=frozenset((self._member.id,)))

    def _flagged_socket(self) -> tuple[Sending, Target]:
        return self, EVERYBODY

    # to its client

    @property
    def from_thread(self) -> FromThread:
        """For emits from other threads, and from callbacks that no Trio task runs."""
        return FromThread(lambda: self._runtime, self)

    def _raise_disconnected(self) -> NoReturn:
        if self._phase is CONNECTING:
            raise Disconnected("the socket is not connected yet: emit from the connection handler")
        raise Disconnected(f"the socket is disconnected: {self._reason}")

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
        if self._phase is not CONNECTED:
            self._raise_disconnected()
        message = self._namespace.encode_plain(event, args) or self._namespace.encode_other(event, args)
        client = self._client
        conn = client.session.link
        if client.waiting or conn.send(message) == FULL:
            await client.send_waiting(self, message)
        self._emits += 1
        if self._emits >= EMITS_BETWEEN_CHECKPOINTS or conn.is_loaded:
            await self._let_others_run()

    async def _emit_flagged(self, event: str | float, args: tuple[Any, ...], target: Target) -> None:
        """As ``emit``, with the flags of a target; a volatile emit never waits."""
        try:
            await checkpoint_if_cancelled()
        except RuntimeError:
            raise emit_outside("emit") from None
        message = self._flagged(event, args, target)
        client = self._client
        conn = client.session.link
        if target.volatile:
            conn.send(message, volatile=True)
        elif client.waiting or conn.send(message) == FULL:
            await client.send_waiting(self, message)
        self._emits += 1
        if self._emits >= EMITS_BETWEEN_CHECKPOINTS or conn.is_loaded:
            await self._let_others_run()

    def _flagged(self, event: str | float, args: tuple[Any, ...], target: Target) -> Message:
        if self._phase is not CONNECTED:
            self._raise_disconnected()
        message = self._namespace.encode(event, args)
        if not target.compress:
            message.compress = False
        return message

    async def _let_others_run(self) -> None:
        self._emits = 0
        await trio.lowlevel.cancel_shielded_checkpoint()

    def emit_nowait(self, event: str | float, *args: Any) -> None:
        """Send an event without waiting; with a full outbox the client is disconnected, or its policy drops.

        Raises:
            Disconnected, ReservedEventError, LocalProtocolError: as ``emit``.
            RuntimeError: no Trio task calls; nothing was sent. See ``from_thread``.
        """
        conn = self._client.session.link
        # A plain handler and a turn of the reactor run in a task: to see that takes 20 ns instead of 65.
        if not (self._running is True and conn.in_own_thread) and not conn.in_turn and not in_trio_task():
            raise emit_outside("emit_nowait")
        if self._phase is not CONNECTED:
            self._raise_disconnected()
        message = self._namespace.encode_plain(event, args) or self._namespace.encode_other(event, args)
        if conn.send(message) == FULL:
            self._client.overflow()

    def _emit_flagged_nowait(self, event: str | float, args: tuple[Any, ...], target: Target) -> None:
        conn = self._client.session.link
        if not (self._running is True and conn.in_own_thread) and not conn.in_turn and not in_trio_task():
            raise emit_outside("emit_nowait")
        message = self._flagged(event, args, target)
        if conn.send(message, volatile=target.volatile) == FULL:
            self._client.overflow()

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
        return await self._call(event, args, compress=True)

    async def _call(self, event: str | float, args: tuple[Any, ...], *, compress: bool) -> Any:
        require_task_to_call("call")
        await checkpoint_if_cancelled()
        if self._phase is not CONNECTED:
            self._raise_disconnected()
        ack_id = self._namespace.next_ack_id()
        message = self._namespace.encode(event, args, ack_id)
        if not compress:
            message.compress = False
        call = self._member.expect(ack_id)
        try:
            await self._client.send_wanted(self, message)
            await call.signal.wait()
        finally:
            self._member.forget(ack_id)
        if call.answer is None:
            raise Disconnected(f"the socket was disconnected: {self._reason}")
        return call.value

    async def flush(self) -> None:
        """Wait until all that was sent to the client so far is written, or lost with the connection."""
        await self._client.flush()

    def _receive_ack(self, ack: AckReceived) -> None:
        self._member.acknowledged(ack.ack_id, ack.args)

    def _acknowledge(self, ack_id: int, values: tuple[Any, ...]) -> None:
        """Answer an event."""
        if self._phase is CONNECTED:
            self._client.push_protected(self._namespace.encode_ack(ack_id, values))
        else:
            self._runtime.acks_dropped += 1
