"""An Engine.IO session as applications see it."""

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
    """The transport of a session, as it is now."""

    @property
    def name(self) -> TransportName:
        """The name in the Engine.IO protocol."""
        ...


class EngineConn:
    """The Engine.IO session below a socket: ``socket.conn``."""

    __slots__ = ("_listeners", "_session")

    #: What ``on`` takes.
    _EVENTS: tuple[str, ...] = ("upgrade", "drain", "close")

    def __init__(self, session: Session, listeners: Listeners) -> None:
        self._session = session
        self._listeners = listeners

    @property
    def id(self) -> str:
        """The session id: a secret between the client and the server."""
        return self._session.sid

    @property
    def request(self) -> EngineRequest:
        """The first HTTP request."""
        return self._session.request

    @property
    def transport(self) -> CurrentTransport:
        """What serves the session now; its ``name`` is ``"polling"`` or ``"websocket"``."""
        return self._session.transport

    @property
    def driver(self) -> str:
        """Who carries its bytes now: ``"reactor"``, ``"stream"`` or ``"polling"``."""
        return self._session.transport.driver

    @property
    def connected(self) -> bool:
        """Whether messages can be sent."""
        return self._session.is_open

    @property
    def buffered(self) -> int:
        """How many messages were sent and are not written yet."""
        link = self._session.link
        return link.pushed - link.confirmed

    def on(self, event: str, listener: L) -> L:
        """Call a plain function for an event; it must not block. Returns the function.

        - ``"upgrade"``: ``()``, when the session has moved to WebSocket;
        - ``"drain"``: ``()``, whenever all that was sent is written;
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
            raise ValueError(f"the events here are {', '.join(map(repr, self._EVENTS))}, not {event!r}")

    def close(self) -> None:
        """End the session; its sockets end with the reason ``forced server close``.

        What is queued is still sent; over polling it waits ``polling_close_timeout`` for the next poll.
        """
        require_task("close")
        self._session.close(
            DisconnectReason.FORCED_SERVER_CLOSE,
            "closed by the application",
            now=trio.current_time(),
            linger=True,
        )
