"""The part of a socket's internal state that its peer and the services of a running server use."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from trio_socketio.errors import DisconnectReason
from trio_socketio.handlers import HELD, Mailbox
from trio_socketio.server._inbox import EventInbox, EventIteration
from trio_socketio.server._member import SocketMember
from trio_socketio.server._phase import CONNECTED, CONNECTING, DISCONNECTED, REFUSED
from trio_socketio.socketio import EventReceived, Undecoded

if TYPE_CHECKING:
    from trio_socketio.server._namespace_state import NamespaceState
    from trio_socketio.serving import Peer

__all__ = ["BaseSocket", "SocketMailbox"]


class SocketMailbox(Mailbox[EventReceived]):
    """The mailbox of a socket."""

    __slots__ = ()

    inbox: EventInbox | None
    iteration: EventIteration | None


class BaseSocket(SocketMember):
    """A socket that begins, holds or handles events, and ends. ``SocketState`` derives from it and says how.

    Attributes:
        description: details about ``reason``.
        dropped: the number of its events that neither a handler nor an iteration took.
        hold_deadline: when events stop being held; infinity if no timeout is set.
        mailbox: the events and tasks of the socket.
        phase: the phase of the socket.
        reason: why the socket has ended; None if it has not.
    """

    # One exists for each idle client. To keep it small, attributes that most sockets never need are made on first use.
    __slots__ = ("description", "dropped", "hold_deadline", "mailbox", "phase", "reason")

    mailbox: SocketMailbox

    def __init__(self, socket_id: str, namespace: NamespaceState, peer: Peer) -> None:
        super().__init__(socket_id, namespace, peer)
        self.description = ""
        self.dropped = 0
        self.hold_deadline = math.inf
        self.phase = CONNECTING
        self.reason: DisconnectReason | None = None

    @property
    def connected(self) -> bool:
        """Whether events can be sent to the client."""
        return self.phase is CONNECTED

    @property
    def has_ended(self) -> bool:
        """Whether the socket has ended."""
        return self.phase is DISCONNECTED or self.phase is REFUSED

    # from CONNECT to the end

    @abstractmethod
    def accept(self) -> None:
        """Answer the CONNECT with CONNECT."""

    @abstractmethod
    def refuse(self, error: dict[str, Any]) -> None:
        """Answer the CONNECT with CONNECT_ERROR.

        Raises:
            LocalProtocolError: the error cannot be encoded. Nothing was sent.
        """

    @abstractmethod
    def hold(self, timeout: float) -> None:
        """Hold events while the connection handlers run, for at most ``timeout`` seconds."""

    @abstractmethod
    def ready(self) -> None:
        """Let handlers receive events, if events are held."""

    @abstractmethod
    def disconnect(self, close: bool = False) -> None:
        """See ``Socket.disconnect``."""

    @abstractmethod
    def end(self, reason: DisconnectReason, description: str) -> None:
        """End the socket: send nothing more, and cancel handlers and tasks. Do nothing if it has ended already."""

    async def finish(self) -> None:
        """Wait until its events are handled and its messages are written, or until the socket has ended."""
        while self.connected and not self.mailbox.is_idle:
            await self.mailbox.wait_until_idle()
        await self.peer.flush()

    # to the client

    @abstractmethod
    def send_ack(self, ack_id: int, answer: tuple[Any, ...]) -> None:
        """Acknowledge an event with these values. If the socket has ended, only count the acknowledgement.

        Raises:
            LocalProtocolError: the values cannot be encoded.
        """

    @property
    @abstractmethod
    def siblings(self) -> Iterable[BaseSocket]:
        """The connected sockets of the same client, in all its namespaces. This one is among them."""

    @abstractmethod
    def set_alarm(self) -> None:
        """Set the alarm of the session to the earliest deadline, after a deadline may have changed."""

    # events that wait

    def keep(self, event: bytes | Undecoded) -> None:
        """Keep an event undecoded, because the inbox is full."""
        if self.mailbox.inbox is not None:
            self.mailbox.inbox.keep(event)

    def holders(self) -> list[str]:
        """Return the names of the handlers that a full inbox waits for, or none if the inbox is not full."""
        inbox = self.mailbox.inbox
        return self.handlers_at_work() if inbox is not None and inbox.is_full else []

    def handlers_at_work(self) -> list[str]:
        """Return the names of the handlers that waiting events wait for."""
        if self.mailbox.state is HELD:
            return [handler.name for handler in self.namespace.handlers.get("connection")]
        event = "" if self.mailbox.inbox is None else self.mailbox.inbox.current
        return [handler.name for handler in self.mailbox.table.sent(event)] or ["an iteration over events"]
