"""Sockets that have ended while their disconnect handlers still run, so that their successors can wait for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from trio_socketio.server._member import SocketMember
    from trio_socketio.serving import Peer

__all__ = ["FormerSockets"]


class FormerSockets:
    """The sockets that have ended while their session goes on, until their disconnect handlers have returned.

    A client that joins the same namespace again gets a new socket. The new socket waits for the former ones. A client
    that has not left a namespace uses no memory here.
    """

    def __init__(self) -> None:
        self._leaving: dict[tuple[Peer, str], set[SocketMember]] = {}
        self._gone: dict[tuple[Peer, str], trio.Event] = {}

    def __len__(self) -> int:
        return len(self._leaving)

    def add(self, socket: SocketMember) -> None:
        """Add a socket that has ended, if its session is open."""
        if socket.peer.session.is_open:
            self._leaving.setdefault((socket.peer, socket.namespace.name), set()).add(socket)

    def discard(self, socket: SocketMember) -> None:
        """Remove a socket whose disconnect handlers have returned. Do nothing if it was not added."""
        key = socket.peer, socket.namespace.name
        leaving = self._leaving.get(key)
        if leaving is None:
            return
        leaving.discard(socket)
        if not leaving:
            del self._leaving[key]
            if key in self._gone:
                self._gone.pop(key).set()

    def has_any(self, socket: SocketMember) -> bool:
        """Return whether the client of this socket has a former socket in the same namespace."""
        return bool(self._leaving) and (socket.peer, socket.namespace.name) in self._leaving

    async def wait_until_gone(self, socket: SocketMember) -> None:
        """Wait until the disconnect handlers of this socket's former sockets have returned."""
        while self.has_any(socket):
            gone = self._gone.setdefault((socket.peer, socket.namespace.name), trio.Event())
            await gone.wait()
