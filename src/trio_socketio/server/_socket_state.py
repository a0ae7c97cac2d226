"""The internal state of a socket: its phase, its mailbox, its calls and acknowledgements."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import trio
from trio.lowlevel import checkpoint_if_cancelled

from trio_socketio._core import track, untrack
from trio_socketio.adapters import SocketRecord, Wake
from trio_socketio.errors import Disconnected, DisconnectReason
from trio_socketio.handlers import HELD, Handler, contain, require_task_to_call, values_of
from trio_socketio.server._base_peer import BasePeer
from trio_socketio.server._base_socket import BaseSocket, SocketMailbox
from trio_socketio.server._handshake import handshake_record
from trio_socketio.server._inbox import EventInbox
from trio_socketio.server._member import Call
from trio_socketio.server._phase import CONNECTED, CONNECTING, DISCONNECTED, REFUSED
from trio_socketio.socketio import EventReceived

if TYPE_CHECKING:
    from trio_socketio.server._handshake import Handshake
    from trio_socketio.server._namespace_state import NamespaceState

__all__ = ["EMITS_BETWEEN_CHECKPOINTS", "SocketState"]

#: ``emit`` lets other tasks run at least after this many events. A checkpoint for each event would cost as much as the
#: rest of an echo.
EMITS_BETWEEN_CHECKPOINTS = 32


class SocketState(BaseSocket):
    """The internal state of a ``Socket``, and the owner of its mailbox.

    Attributes:
        auth: the object of the CONNECT packet; None if the packet had none.
        emits: the number of events emitted since ``emit`` last let other tasks run.
        handshake: the public ``Handshake``; None until it is first used.
    """

    __slots__ = ("auth", "emits", "handshake")

    peer: BasePeer

    def __init__(self, namespace: NamespaceState, peer: BasePeer, auth: dict[str, Any]) -> None:
        super().__init__(peer.socket_id(namespace.name), namespace, peer)
        self.auth = auth or None
        self.emits = 0
        self.handshake: Handshake | None = None
        self.mailbox = SocketMailbox(self, peer.runtime.workers, namespace.handlers)

    @property
    def siblings(self) -> Iterable[BaseSocket]:
        """The connected sockets of the same client, in all its namespaces. This one is among them."""
        return self.peer.members.values()

    # from CONNECT to the end

    def accept(self) -> None:
        """Answer the CONNECT with CONNECT."""
        self.phase = CONNECTED
        endings = self.peer.runtime.engine.endings
        # Hold back observers of rooms until CONNECT is queued, because they may send to this client.
        was_delivering = endings.hold()
        try:
            self.enter()
            untrack(self, self.socket, self.mailbox)
            self.peer.accept(self.namespace.name, self)  # a full outbox ends the session here
        finally:
            endings.release(was_delivering)

    def refuse(self, error: dict[str, Any]) -> None:
        """Answer the CONNECT with CONNECT_ERROR.

        Raises:
            LocalProtocolError: the error cannot be encoded. Nothing was sent.
        """
        self.peer.refuse(self.namespace.name, error)
        self.end(DisconnectReason.SERVER_NAMESPACE_DISCONNECT, "refused")

    def hold(self, timeout: float) -> None:
        """Hold events while the connection handlers run, for at most ``timeout`` seconds."""
        if self.mailbox.state is HELD:  # an observer of rooms may have called ``ready`` already
            self.hold_deadline = trio.current_time() + timeout
            self.peer.set_alarm()

    def ready(self) -> None:
        """Let handlers receive events, if events are held."""
        if self.connected and self.mailbox.ready() and self.hold_deadline < math.inf:
            self.hold_deadline = math.inf
            self.peer.runtime.held.discard(self)
            self.peer.set_alarm()

    def set_alarm(self) -> None:
        """Set the alarm of the session to the earliest deadline, after a deadline may have changed."""
        self.peer.set_alarm()

    def disconnect(self, close: bool = False) -> None:
        """See ``Socket.disconnect``."""
        if close:
            for member in list(self.peer.members.values()):
                member.disconnect()
            self.peer.conn.close()
        elif self.connected:
            self.peer.leave(self.namespace.name)
            self.end(DisconnectReason.SERVER_NAMESPACE_DISCONNECT, "")

    def end(self, reason: DisconnectReason, description: str) -> None:
        """End the socket: send nothing more, and cancel handlers and tasks. Do nothing if it has ended already."""
        if self.has_ended:
            return
        self.phase = DISCONNECTED if self.phase is CONNECTED else REFUSED
        self.namespace.adapter.mute(self)
        self.peer.runtime.held.discard(self)
        self.reason, self.description = reason, description
        if self.mailbox.inbox is not None:
            self.mailbox.inbox.clear()
        self.peer.ended(self.namespace.name, self)
        self.end_calls()
        self.peer.writable()
        self.peer.runtime.former.add(self)
        self.mailbox.end()

    # sending

    def raise_disconnected(self) -> NoReturn:
        """Raise ``Disconnected`` with the reason."""
        if self.phase is CONNECTING:
            raise Disconnected("the socket is not connected yet: emit from the connection handler")
        raise Disconnected(f"the socket is disconnected: {self.reason}")

    async def let_others_run(self) -> None:
        """Let other tasks run. Shielded, because ``Cancelled`` would mean that the event was not queued."""
        self.emits = 0
        await trio.lowlevel.cancel_shielded_checkpoint()

    async def call(self, event: str | float, args: tuple[Any, ...], *, compress: bool) -> Any:
        """Send an event and wait for its acknowledgement; see ``Socket.call``."""
        require_task_to_call("call")
        await checkpoint_if_cancelled()
        if self.phase is not CONNECTED:
            self.raise_disconnected()
        ack_id = self.namespace.next_ack_id()
        message = self.namespace.encode(event, args, ack_id)
        if not compress:
            message.compress = False
        call = self.expect(ack_id)
        try:
            await self.peer.send_wanted(self, message)
            await call.signal.wait()
        finally:
            self.forget(ack_id)
        if call.answer is None:
            raise Disconnected(f"the socket was disconnected: {self.reason}")
        return call.value

    def send_ack(self, ack_id: int, answer: tuple[Any, ...]) -> None:
        """Acknowledge an event with these values. If the socket has ended, only count the acknowledgement.

        Raises:
            LocalProtocolError: the values cannot be encoded.
        """
        if self.phase is CONNECTED:
            self.peer.push_protected(self.namespace.encode_ack(ack_id, answer))
        else:
            self.peer.runtime.acks_dropped += 1

    # the mailbox's owner

    def make_inbox(self) -> EventInbox:
        """Return a new inbox, with the limits of the server's options."""
        config = self.peer.runtime.config
        return EventInbox(self.peer, self.namespace.name, config.inbox_events, config.inbox_bytes)

    def handle(self, event: EventReceived) -> Awaitable[None]:
        """Call the handlers of an event."""
        return self.peer.runtime.dispatcher.handle(self, event)

    def handle_inline(self, event: EventReceived, handlers: Sequence[Handler]) -> None:
        """Call the handlers of an event, all of which are plain functions."""
        self.peer.runtime.dispatcher.handle_inline(self, event, handlers)

    def acknowledge(self, ack_id: int, result: Any) -> None:
        """Acknowledge an event with the result of its handler."""
        self.send_ack(ack_id, values_of(result))

    def failed(self, event: EventReceived, error: BaseException) -> None:
        """Report an error that a handler of an event has raised, and answer the client."""
        self.peer.runtime.dispatcher.failed(self, event, error)

    def event_waits(self) -> None:
        """Watch the socket if its events are held or wait behind a call, to log later which handler holds them."""
        if self.peer.calls_pending or self.mailbox.state is HELD:
            self.peer.runtime.held.events_wait(self)

    def cut_off(self, event: EventReceived) -> None:
        """Count an acknowledgement that is not sent because the server's stop has cancelled its handler."""
        if event.ack_id is not None and self.peer.runtime.is_stopping:
            self.peer.runtime.acks_cut += 1

    def nursery_failed(self, error: BaseException) -> None:
        """Report an error that a task in the socket's nursery has raised, and disconnect the socket."""
        dispatcher = self.peer.runtime.dispatcher
        contain(error, partial(dispatcher.task_failed, self, "nursery"))

    @property
    def has_disconnect_handlers(self) -> bool:
        """Whether ``run_disconnect_handlers`` has handlers to call. A refused socket has none."""
        table = self.mailbox.table
        return self.phase is DISCONNECTED and any(
            table.get(event) for event in ("disconnecting", "disconnect")
        )

    async def run_disconnect_handlers(self) -> None:
        """Call the handlers for ``disconnecting`` and ``disconnect``."""
        await self.peer.runtime.lifecycle.run_disconnect_handlers(self)

    def vanish(self) -> None:
        """Leave the namespace, and drop the references that form cycles, after all tasks have ended."""
        socket = self.socket
        super().vanish()
        track(self, socket, self.mailbox, self.peer.members)
        self.peer.runtime.former.discard(self)

    # calls

    def expect(self, ack_id: int, wake: Wake | None = None) -> Call:
        """See ``SocketMember.expect``. If a handler of the same client makes the call, the log may name it later."""
        self.peer.call_started()
        call = super().expect(ack_id, wake)
        self.peer.runtime.held.call_begins(self.peer.members.values(), call)
        return call

    def forget(self, ack_id: int) -> None:
        """See ``SocketMember.forget``."""
        super().forget(ack_id)
        self.peer.call_ended()
        if self.peer.runtime.held:
            self.peer.runtime.held.call_ended(self)

    def record(self) -> SocketRecord:
        """See ``LocalMember.record``."""
        public = self.socket
        return SocketRecord(self.id, handshake_record(public.handshake), data=public.data)
