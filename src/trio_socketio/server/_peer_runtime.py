"""The state of a running Socket.IO server that its peers and sockets share."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from trio_socketio.handlers import KEYS, Workers
from trio_socketio.server._base_socket import BaseSocket
from trio_socketio.server._dispatch import Dispatcher
from trio_socketio.server._former import FormerSockets
from trio_socketio.server._held import HeldEvents
from trio_socketio.server._lifecycle import Lifecycle
from trio_socketio.serving import BaseRuntime, EngineState, Peer
from trio_socketio.socketio import EventReceived

if TYPE_CHECKING:
    from trio_socketio.server._config import ServerConfig
    from trio_socketio.server._namespace_state import NamespaceState

__all__ = ["PeerRuntime"]

P_contra = TypeVar("P_contra", bound=Peer, contravariant=True)


class PeerRuntime(BaseRuntime, Generic[P_contra]):
    """The part of a running Socket.IO server that its peers and sockets use.

    Attributes:
        acks_dropped: how many acknowledgements were not sent because the socket had ended.
        connection_options: the limits of each ``SocketIOConnection``.
        dispatcher: calls the handlers of events.
        former: the sockets that have ended while their session goes on.
        held: the sockets whose events are held.
        lifecycle: begins and ends sockets.
        namespaces: the namespaces of the server by name.
        protected_factor: messages that no policy may drop may fill the outbox up to this multiple of its limits.
        workers: the tasks that handle events.
    """

    def __init__(
        self,
        config: ServerConfig,
        engine: EngineState,
        namespaces: Mapping[str, NamespaceState],
        log: logging.Logger,
    ) -> None:
        super().__init__(config, engine.hooks, engine.observer, log)
        self.acks_dropped = 0
        self.connection_options = config.connection_options()
        self.dispatcher = Dispatcher(log, self.call_error_hooks)
        self.former = FormerSockets()
        self.held = HeldEvents(log)
        self.lifecycle = Lifecycle(self, self.dispatcher, self.former)
        self.namespaces = namespaces
        self.protected_factor = 1 if config.outbox.policy in ("disconnect", "block") else 2
        self.workers: Workers[EventReceived] = Workers(self, KEYS[config.ordering])

    @abstractmethod
    def start_socket(self, namespace: NamespaceState, peer: P_contra, auth: dict[str, Any]) -> None:
        """Make a socket for a client that asks to join a namespace, and begin it."""

    @abstractmethod
    def call_error_hooks(self, socket: BaseSocket, event: str | float, error: Exception) -> None:
        """Call the ``on_error`` hooks. Log their exceptions."""
