"""A running Socket.IO server: what its sockets share."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import trio

from trio_socketio.engineio import Session
from trio_socketio.handlers import contain
from trio_socketio.server._client import Client
from trio_socketio.server._dispatch import Dispatcher
from trio_socketio.server._engine_runtime import EngineRuntime
from trio_socketio.server._held import HeldEvents
from trio_socketio.server._life import Life
from trio_socketio.server._socket import Socket

if TYPE_CHECKING:
    from trio_socketio.server._config import ServerConfig
    from trio_socketio.server._namespace_state import NamespaceState
    from trio_socketio.server._server import Server

__all__ = ["Runtime"]


class Runtime(EngineRuntime):
    """What exists while a Socket.IO server runs.

    Attributes:
        namespaces: those of the server by name.
        acks_dropped: acknowledgements to clients that had gone.
    """

    def __init__(
        self,
        server: Server,
        config: ServerConfig,
        namespaces: Mapping[str, NamespaceState],
        log: logging.Logger,
    ) -> None:
        super().__init__(config, server.engine._hooks, server.engine.observer, log)
        self.server = server
        self.namespaces = namespaces
        self.acks_dropped = 0
        self.ordering = config.ordering
        self.connection_options = config.connection_options()
        #: what no policy may drop may fill so many times the outbox
        self.protected_factor = 1 if config.outbox.policy in ("disconnect", "block") else 2
        self.held = HeldEvents(log)
        self.dispatcher = Dispatcher(self)
        self.run_inline = self.dispatcher.run_inline
        self.life = Life(self, self.dispatcher)
        self.crew = self.life.crew

    def _connect(self, session: Session) -> Client:
        return Client(self, session, trio.current_time())

    async def _finish(self) -> None:
        for namespace in list(self.namespaces.values()):
            for socket in namespace.public.sockets.values():
                await socket._finish()

    def start_socket(self, namespace: NamespaceState, client: Client, auth: dict[str, Any]) -> None:
        """A client asks to join a namespace."""
        socket = Socket(self, namespace, client, auth)
        client.begin(namespace.name, socket)
        self.life.begin(socket)

    def task_failed(self, socket: Socket, error: BaseException) -> None:
        """A task in a socket's nursery has failed."""
        contain(error, lambda failure: self.dispatcher.task_failed(socket, "nursery", failure))
