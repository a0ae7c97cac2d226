"""A running Socket.IO server, which makes a peer for each session, and a socket for each CONNECT."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import trio

from trio_socketio._passing import passes
from trio_socketio.adapters import AdapterState, ServerAdapter
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
        state_hooks: Sequence[Callable[[AdapterState], object]],
        log: logging.Logger,
    ) -> None:
        super().__init__(config, engine, namespaces, log)
        self._error_hooks = error_hooks
        self._state_hooks = state_hooks
        self._adapter = config.adapter if isinstance(config.adapter, ServerAdapter) else None
        if self._adapter is not None:
            self.host.service.adapter_health = self._adapter.health

    def _connect(self, session: Session) -> SocketIOPeer:
        return SocketIOPeer(self, session, trio.current_time())

    async def start(self, parent: trio.Nursery) -> None:
        """See ``BaseRuntime.start``. The adapter's tasks start, too; nothing waits for its link."""
        if self._adapter is not None:
            self._adapter.start()
        await super().start(parent)
        if self._adapter is not None:
            self.spawn(self._run_adapter, self._adapter, name="cluster adapter")

    async def _run_adapter(self, adapter: ServerAdapter) -> None:
        self.pause()  # the stop of the server waits for ``adapter.stop``, and cancels this
        try:
            await adapter.run(self)
        finally:
            self.resume()

    async def _handlers_ended(self) -> None:
        if self._adapter is not None:
            await self._adapter.stop()

    # the host of the adapter

    @property
    def write_timeout(self) -> float:
        """See ``ServerHost.write_timeout``."""
        return self.config.write_timeout

    def adapter_state_changed(self, state: AdapterState) -> None:
        """See ``ServerHost.adapter_state_changed``."""
        calls = [(self.call_observer, (hook, (state,))) for hook in self._state_hooks]
        self.engine.endings.tell(calls)

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
            except BaseException as failure:
                if passes(failure):
                    raise
                self.log.exception("an on_error hook failed")
