"""The state that the peers of a running Engine.IO server share."""

from __future__ import annotations

import logging
from abc import abstractmethod

from trio_socketio.engine_server._mailbox import Message
from trio_socketio.engine_server._registry import MessageHandlers
from trio_socketio.engineio import Session
from trio_socketio.handlers import Workers
from trio_socketio.serving import BaseRuntime, EngineConfig, EngineState

__all__ = ["PeerRuntime"]


class PeerRuntime(BaseRuntime):
    """The part of a running Engine.IO server that its peers use.

    Attributes:
        handlers: the handlers registered with the server.
        workers: the tasks that handle messages.
        holding: the sessions whose connection handlers hold messages, and the time at which ``hold_timeout`` is over.
        known_holding: the names of connection handlers that were logged, because they held messages for long.
    """

    def __init__(
        self, config: EngineConfig, state: EngineState, handlers: MessageHandlers, log: logging.Logger
    ) -> None:
        super().__init__(config, state.hooks, state.observer, log)
        self.handlers = handlers
        self.workers: Workers[Message] = Workers(self)
        self.holding: dict[Session, float] = {}
        self.known_holding: set[str] = set()

    @abstractmethod
    def session_ended(self, session: Session) -> None:
        """Remove a session that has ended."""
