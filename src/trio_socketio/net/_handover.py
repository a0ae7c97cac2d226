"""Hands a connection over to another process of this host, if a request on it is for a session there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import trio

from trio_socketio.engineio import EngineRequest, Refusal
from trio_socketio.net._admission import STOPPING
from trio_socketio.net._exchange import Exchange
from trio_socketio.net._head import Head
from trio_socketio.net._health import HostState
from trio_socketio.net._http1 import Http1Connection
from trio_socketio.net._service import EngineService
from trio_socketio.net._site import Site

__all__ = ["Handover", "OtherProcesses", "Serve", "rebuilt_head"]

#: Serves a connection that another process has handed over; takes the connection, and the bytes that were read from it.
Serve = Callable[[trio.SocketStream, bytes], None]


class OtherProcesses(Protocol):
    """The other processes of this host that serve the same port."""

    def make_id(self) -> str:
        """Return a new session id. It tells the other processes that the session is in this one."""
        ...

    def own(self, sid: str) -> bool:
        """Return whether another process that runs has made a session id."""
        ...

    def take_new_sessions(self) -> bool:
        """Return whether another process can open sessions in place of this one."""
        ...

    async def hand_over(self, sid: str, descriptor: int, received: bytes) -> bool:
        """Send a copy of a descriptor to the process that has made a session id.

        Args:
            sid: the session id; empty for a new session, which any other process may open.
            descriptor: the connection.
            received: the bytes that were read from the connection and not handled, from the head of a request on.

        Returns:
            Whether it was sent. False: it could not be sent within a second, or the other process has ended.

        Cancellation: it is not sent.
        """
        ...

    def begin(self, serve: Serve) -> None:
        """Serve the connections that other processes hand over from now on."""


class Handover:
    """Hands connections over.

    A request that was handed over is not handed over again, as it would go in circles. A later request on its
    connection may be.

    Args:
        others: the other processes.
        service: shared by all requests to the engine.
        site: decides which requests are for the engine.
    """

    def __init__(self, others: OtherProcesses, service: EngineService, site: Site) -> None:
        self._others = others
        self._service = service
        self._sessions = service.engine.sessions
        self._site = site

    def applies(self, http: Http1Connection, request: EngineRequest) -> bool:
        """Return whether another process answers the current request.

        It does so for its sessions, and for new ones while this process drains. A session of this process costs one
        look-up. Only a plain connection can be handed over, as the state of TLS stays in the process.
        """
        return (
            request.sid not in self._sessions
            and self._is_elsewhere(request)
            and request is not http.handed_over
            and isinstance(http.stream, trio.SocketStream)
            and self._site.is_for_engine(request)
        )

    def _is_elsewhere(self, request: EngineRequest) -> bool:
        if request.sid:
            return self._others.own(request.sid)
        return self._service.state is HostState.DRAINING and self._others.take_new_sessions()

    async def hand_over(self, http: Http1Connection, request: EngineRequest) -> None:
        """Hand a connection over; the caller closes its descriptor. If that fails, answer the current request.

        Cancellation: the connection is not handed over.
        """
        assert isinstance(http.stream, trio.SocketStream)
        received = rebuilt_head(http.head) + http.trailing_data
        if await self._others.hand_over(request.sid, http.stream.socket.fileno(), received):
            return
        response = STOPPING
        if request.sid and not self._others.own(request.sid):  # it has ended
            response = self._service.engine.rules.refuse(request, Refusal.SESSION_UNKNOWN).response()
        await Exchange(request, http, self._service).respond(response._replace(close=True))


def rebuilt_head(head: Head) -> bytes:
    """Return the head of a request again as bytes, without the spaces around the values of its fields."""
    lines = [b"%s %s HTTP/%s" % (head.method, head.target, head.http_version)]
    lines.extend(b"%s: %s" % field for field in head.fields)
    return b"\r\n".join((*lines, b"", b""))
