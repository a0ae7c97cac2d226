"""A running Engine.IO server, which makes a peer for each session."""

from __future__ import annotations

import logging

from trio_socketio.engine_server._peer import EnginePeer
from trio_socketio.engine_server._peer_runtime import PeerRuntime
from trio_socketio.engine_server._registry import MessageHandlers
from trio_socketio.engineio import Session
from trio_socketio.serving import EngineConfig, EngineState

__all__ = ["EngineRuntime"]


class EngineRuntime(PeerRuntime):
    """The state of an Engine.IO server that runs without a Socket.IO server.

    Attributes:
        peers: the peers of all open sessions, in the order in which the sessions were opened.
    """

    def __init__(
        self, config: EngineConfig, state: EngineState, handlers: MessageHandlers, log: logging.Logger
    ) -> None:
        super().__init__(config, state, handlers, log)
        self.peers: dict[Session, EnginePeer] = {}

    def _connect(self, session: Session) -> EnginePeer:
        peer = self.peers[session] = EnginePeer(self, session)
        return peer

    def session_ended(self, session: Session) -> None:
        """Remove a session that has ended."""
        self.peers.pop(session, None)
        self.holding.pop(session, None)

    def deliver(self) -> None:
        """Deliver the messages that wait, because a handler was registered."""
        for peer in list(self.peers.values()):
            peer.mailbox.deliver()

    async def _finish(self) -> None:
        for peer in list(self.peers.values()):
            await peer.finish()
