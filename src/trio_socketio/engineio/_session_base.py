"""The data of a session, and the messages that it sends."""

from __future__ import annotations

import math

from trio_socketio._core import Connection, Message, PushStatus
from trio_socketio.engineio._context import SessionContext
from trio_socketio.engineio._liveness import LITTLE
from trio_socketio.engineio._request import EngineRequest
from trio_socketio.engineio._seam import SessionObserver, Transport
from trio_socketio.engineio._states import TRANSITIONS, Event, State

__all__ = ["SessionBase"]

#: The members by number. This is used for each message, and a look-up in the enumeration takes six times as long.
_STATUSES = {int(status): status for status in PushStatus}


class SessionBase:
    """The connection object of a session, its transport, its observer and its state.

    ``Session`` adds how a session opens, upgrades, pauses and ends.

    Attributes:
        context: the objects that all sessions share.
        sid: the session id. It is a bearer secret: never log all of it, never show it to other clients.
        request: the first HTTP request.
        revision: the revision of the Engine.IO protocol, 3 or 4.
        link: the connection object: codec state, heartbeat and outbox.
        state: the state of the session.
    """

    __slots__ = ("__weakref__", "context", "link", "request", "revision", "sid", "state")

    def __init__(self, context: SessionContext, sid: str, request: EngineRequest, link: Connection) -> None:
        self.context = context
        self.sid = sid
        self.request = request
        self.revision = request.revision
        self.link = link
        self.state = State.OPENING

    def __repr__(self) -> str:
        return f"<Session {self.sid[:6]}… {self.state.name}>"

    @property
    def transport(self) -> Transport:
        """The transport that serves the session now."""
        return self.link.transport  # type: ignore[return-value]  # ``cast`` would take 0.1 µs

    @property
    def observer(self) -> SessionObserver:
        """The observer in the layer above."""
        return self.link.observer  # type: ignore[return-value]  # a cast would cost 20 ns per message

    @observer.setter
    def observer(self, observer: SessionObserver) -> None:
        self.link.observer = observer

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self.link.open

    @property
    def paused(self) -> bool:
        """Whether reading from the client is paused."""
        return self.link.paused

    def _move(self, event: Event) -> None:
        self.state = TRANSITIONS[self.state][event]
        self.link.open = self.state in (State.OPEN, State.UPGRADING)

    def _serve_by(self, transport: Transport) -> None:
        self.link.transport = transport
        if transport.name == "websocket":
            self.link.set_streaming()

    def send(self, message: Message, *, protected: bool = False, volatile: bool = False) -> PushStatus:
        """Queue a message.

        Args:
            message: the message.
            protected: queue it even if the outbox is full, and never drop it.
            volatile: drop it if earlier bytes are still unsent.

        Returns:
            ``OK``, ``DROPPED`` (by the policy, or because the session is closing), or ``FULL``.
        """
        return _STATUSES[self.link.send(message, protected, volatile)]

    def written(self, now: float = math.nan) -> None:
        """Note that the output that the transport had taken is written."""
        if self.link.confirm(now):
            delivery = self.transport.delivery(now)
            self.link.is_behind = delivery is not None and delivery.outstanding > LITTLE
        self.link.observer.writable()  # type: ignore[union-attr]  # the property would be one more call

    def received(self, size: int, now: float) -> None:
        """Note that ``size`` bytes of an unfinished message came through polling."""
        if self.link.open:
            self.link.received(size, now)
