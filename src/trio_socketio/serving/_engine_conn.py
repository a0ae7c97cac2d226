"""The public object for an Engine.IO session, ``socket.conn``."""

from __future__ import annotations

from typing import Protocol, TypeVar

import trio

from trio_socketio.engineio import EngineRequest, Session, TransportName
from trio_socketio.errors import DisconnectReason
from trio_socketio.handlers import require_event_name, require_hook, require_task
from trio_socketio.serving._listeners import Listener, Listeners

__all__ = ["EngineConn", "L"]

L = TypeVar("L", bound=Listener)


class CurrentTransport(Protocol):
    """The current transport of a session."""

    @property
    def name(self) -> TransportName:
        """The name of the transport in the Engine.IO protocol."""
        ...


class EngineConn:
    """The Engine.IO session below a socket: ``socket.conn``."""

    __slots__ = ("_listeners", "_session")

    #: The events that ``on`` accepts.
    _EVENTS: tuple[str, ...] = ("upgrade", "drain", "close")

    def __init__(self, session: Session, listeners: Listeners) -> None:
        self._session = session
        self._listeners = listeners

    @property
    def id(self) -> str:
        """The session id. It is a secret between the client and the server."""
        return self._session.sid

    @property
    def request(self) -> EngineRequest:
        """The first HTTP request of the session."""
        return self._session.request

    @property
    def transport(self) -> CurrentTransport:
        """The current transport of the session. Its ``name`` is ``"polling"`` or ``"websocket"``."""
        return self._session.transport

    @property
    def driver(self) -> str:
        """The name of the driver that serves the transport: ``"reactor"``, ``"stream"`` or ``"polling"``."""
        return self._session.transport.driver

    @property
    def connected(self) -> bool:
        """Whether messages can be sent."""
        return self._session.is_open

    @property
    def buffered(self) -> int:
        """The number of messages that were queued and are not written yet."""
        link = self._session.link
        return link.pushed - link.confirmed

    def on(self, event: str, listener: L) -> L:
        """Call a plain function for an event. It must not block. Return the function.

        - ``"upgrade"``: ``()``, when the session has moved to WebSocket;
        - ``"drain"``: ``()``, whenever all queued messages are written;
        - ``"close"``: ``(reason, description)``, when the session has ended.
        """
        self._check(event)
        require_task("conn.on")
        require_hook(listener, f"a listener for {event!r}", 2 if event == "close" else 0)
        self._listeners.add(event, listener)
        return listener

    def _check(self, event: str) -> None:
        if callable(event):
            require_event_name(event)
        if event not in self._EVENTS:
            raise ValueError(f"event must be one of {', '.join(map(repr, self._EVENTS))}, not {event!r}")

    def close(self) -> None:
        """End the session. Its sockets end with the reason ``forced server close``.

        Queued messages are still sent. Over polling they wait up to ``polling_close_timeout`` for the next poll.
        """
        require_task("close")
        self._session.close(
            DisconnectReason.FORCED_SERVER_CLOSE,
            "closed by the application",
            now=trio.current_time(),
            linger=True,
        )
