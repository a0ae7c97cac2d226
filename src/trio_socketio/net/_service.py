"""One engine as HTTP reaches it: which requests are still answered, and what all connections share."""

from __future__ import annotations

import logging
import os

import trio

from trio_socketio.engineio import Engine, EngineRequest
from trio_socketio.net._admission import Admission
from trio_socketio.net._hang_ups import HangUps
from trio_socketio.net._health import Health, HostState
from trio_socketio.net._polls import Polls
from trio_socketio.net._response_headers import ResponseHeaders

__all__ = ["EngineService"]


class EngineService:
    """What the requests to one engine need.

    Args:
        engine: the sessions.
        logger: for faults.

    Attributes:
        state: which requests are still answered.
        admission: decides which requests go on to the engine.
        headers: adds the application's header fields to responses.
        polls: answers the polls that wait.
        compressing: limits the threads that compress answers. Those of the application may all wait for such an answer.
        hang_ups: watches sockets that are not read, except those of the reactor.
    """

    def __init__(self, engine: Engine, logger: logging.Logger) -> None:
        self.engine = engine
        self.logger = logger
        self.state = HostState.RUNNING
        self.admission = Admission(engine, self.refuses, logger)
        self.headers = ResponseHeaders(engine.hooks, engine.options.cookie, logger)
        self.polls = Polls(logger)
        self.compressing = trio.CapacityLimiter(os.cpu_count() or 1)
        self.hang_ups = HangUps()
        self._started = trio.current_time()

    @property
    def is_stopping(self) -> bool:
        """Whether no request is waited for any more."""
        return self.state is HostState.STOPPING

    def refuses(self, request: EngineRequest) -> bool:
        """Whether it would open a session that is not to be opened any more."""
        return self.is_stopping or (self.state is HostState.DRAINING and not request.sid)

    def health(self) -> Health:
        """The state of the server, as monitors see it."""
        return Health(self.state.status, self.engine.clients_count, trio.current_time() - self._started)
