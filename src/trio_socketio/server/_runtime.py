"""A running Socket.IO server, which makes a peer for each session, and a socket for each CONNECT."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import trio

from trio_socketio.engineio import Session
from trio_socketio.server._base_peer import BasePeer
from trio_socketio.server._base_socket import BaseSocket
from trio_socketio.server._peer import SocketIOPeer
from trio_socketio.server._peer_runtime import PeerRuntime
from trio_socketio.server._socket import Socket
from trio_socketio.server._socket_state import SocketState
from trio_socketio.serving import EngineState

if TYPE_CHECKING:
    from trio_socketio.server._config import ServerConfig
    from trio_socketio.server._namespace_state import NamespaceState

__all__ = ["Runtime"]


class Runtime(PeerRuntime[BasePeer]):
    """The state of a Socket.IO server while it runs."""

    def __init__(
        self,
        config: ServerConfig,
        engine: EngineState,
        namespaces: Mapping[str, NamespaceState],
        error_hooks: Sequence[Callable[[Socket, str | float, Exception], object]],
        log: logging.Logger,
    ) -> None:
        super().__init__(config, engine, namespaces, log)
        self._error_hooks = error_hooks

    def _connect(self, session: Session) -> SocketIOPeer:
        return SocketIOPeer(self, session, trio.current_time())

    async def _finish(self) -> None:
        for namespace in list(self.namespaces.values()):
            for member in list(namespace.adapter.members.values()):
                await member.finish()

    def start_socket(self, namespace: NamespaceState, peer: BasePeer, auth: dict[str, Any]) -> None:
        """Make a socket for a client that asks to join a namespace, and begin it."""
        socket = SocketState(namespace, peer, auth)
        socket.attach(Socket(socket))
        peer.begin(namespace.name, socket)
        self.lifecycle.begin(socket)

    def call_error_hooks(self, socket: BaseSocket, event: str | float, error: Exception) -> None:
        """Call the ``on_error`` hooks. Log their exceptions."""
        for hook in self._error_hooks:
            try:
                hook(socket.socket, event, error)
            except Exception:
                self.log.exception("an on_error hook failed")
