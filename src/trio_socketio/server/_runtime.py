"""The state of a running Socket.IO server, which its sockets share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import trio

from trio_socketio.engineio import Session
from trio_socketio.handlers import KEYS, Workers
from trio_socketio.server._dispatch import Dispatcher
from trio_socketio.server._former import FormerSockets
from trio_socketio.server._held import HeldEvents
from trio_socketio.server._lifecycle import Lifecycle
from trio_socketio.server._peer import SocketIOPeer
from trio_socketio.server._socket import Socket
from trio_socketio.server._socket_state import SocketState
from trio_socketio.serving import BaseRuntime, EngineState
from trio_socketio.socketio import EventReceived

if TYPE_CHECKING:
    from trio_socketio.server._config import ServerConfig
    from trio_socketio.server._namespace_state import NamespaceState

__all__ = ["Runtime"]


class Runtime(BaseRuntime):
    """The state of a Socket.IO server while it runs.

    Attributes:
        namespaces: the namespaces of the server by name.
        acks_dropped: how many acknowledgements were not sent because the socket had ended.
    """

    def __init__(
        self,
        config: ServerConfig,
        engine: EngineState,
        namespaces: Mapping[str, NamespaceState],
        error_hooks: Sequence[Callable[[Socket, str | float, Exception], object]],
        log: logging.Logger,
    ) -> None:
        super().__init__(config, engine.hooks, engine.observer, log)
        self.error_hooks = error_hooks
        self.namespaces = namespaces
        self.acks_dropped = 0
        self.connection_options = config.connection_options()
        #: Messages that no policy may drop may fill the outbox up to this multiple of its limits.
        self.protected_factor = 1 if config.outbox.policy in ("disconnect", "block") else 2
        self.held = HeldEvents(log)
        self.dispatcher = Dispatcher(self)
        self.former = FormerSockets()
        self.lifecycle = Lifecycle(self, self.dispatcher, self.former)
        self.workers: Workers[EventReceived] = Workers(self, KEYS[config.ordering])

    def _connect(self, session: Session) -> SocketIOPeer:
        return SocketIOPeer(self, session, trio.current_time())

    async def _finish(self) -> None:
        for namespace in list(self.namespaces.values()):
            for member in list(namespace.adapter.members.values()):
                await member.finish()

    def start_socket(self, namespace: NamespaceState, peer: SocketIOPeer, auth: dict[str, Any]) -> None:
        """Make a socket for a client that asks to join a namespace, and begin it."""
        socket = SocketState(namespace, peer, auth)
        socket.attach(Socket(socket))
        peer.begin(namespace.name, socket)
        self.lifecycle.begin(socket)
