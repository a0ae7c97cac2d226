"""Sockets that have ended and are not gone yet, for those that take their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from trio_socketio.server._client import Client
    from trio_socketio.server._socket_state import SocketState

__all__ = ["FormerSockets"]


class FormerSockets:
    """The sockets that a client has left while its session goes on, until their disconnect handlers have ended.

    A client that joins the same namespace again gets a new socket, which begins after these. Nothing is kept for a
    client that has left no namespace.
    """

    def __init__(self) -> None:
        self._leaving: dict[tuple[Client, str], set[SocketState]] = {}
        self._gone: dict[tuple[Client, str], trio.Event] = {}

    def __len__(self) -> int:
        return len(self._leaving)

    def add(self, socket: SocketState) -> None:
        """A socket has ended."""
        if socket.client.session.is_open:
            self._leaving.setdefault((socket.client, socket.namespace.name), set()).add(socket)

    def discard(self, socket: SocketState) -> None:
        """A socket is gone; nothing happens if it is not here."""
        key = socket.client, socket.namespace.name
        leaving = self._leaving.get(key)
        if leaving is None:
            return
        leaving.discard(socket)
        if not leaving:
            del self._leaving[key]
            if key in self._gone:
                self._gone.pop(key).set()

    def has_any(self, socket: SocketState) -> bool:
        """Whether a former socket of this one's client is here, in the same namespace."""
        return bool(self._leaving) and (socket.client, socket.namespace.name) in self._leaving

    async def wait_until_gone(self, socket: SocketState) -> None:
        """Wait until the former sockets are gone."""
        while self.has_any(socket):
            gone = self._gone.setdefault((socket.client, socket.namespace.name), trio.Event())
            await gone.wait()
