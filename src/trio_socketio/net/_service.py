"""The HTTP side of one engine: its state, and the objects that all its connections share."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Protocol

import trio

from trio_socketio._adapter_health import AdapterHealth
from trio_socketio.engineio import Engine, EngineRequest
from trio_socketio.net._admission import Admission
from trio_socketio.net._hang_ups import HangUps
from trio_socketio.net._health import Health, HostState
from trio_socketio.net._http1 import Http1Connection
from trio_socketio.net._polls import Polls
from trio_socketio.net._response_headers import ResponseHeaders

__all__ = ["EngineService", "HandsOver", "OutsideApplication"]


class HandsOver(Protocol):
    """Hands connections over to other processes; see ``Handover``."""

    def applies(self, http: Http1Connection, request: EngineRequest) -> bool:
        """Return whether the current request is for a session of another process."""
        ...

    async def hand_over(self, http: Http1Connection, request: EngineRequest) -> None:
        """Hand a connection over, or answer the current request."""


class OutsideApplication(Protocol):
    """Answers the requests of paths that neither the engine nor the server's own site has."""

    async def respond(self, request: EngineRequest, http: Http1Connection) -> bool:
        """Answer the current request, and return whether the connection can carry another."""
        ...

    async def converse(self, request: EngineRequest, http: Http1Connection) -> None:
        """Answer a request for a WebSocket, and serve the WebSocket until it has ended."""


class EngineService:
    """The objects that all requests to one engine share.

    Args:
        engine: the engine.
        logger: for errors.

    Attributes:
        state: which requests are still answered.
        admission: decides which requests go on to the engine.
        headers: adds the application's header fields to responses.
        polls: answers the polls that wait.
        compressing: limits the threads that compress answers. Trio's default limiter is not used: threads of the
            application may hold all of it while they wait for such an answer.
        on_interrupt: called with a ``KeyboardInterrupt`` or ``SystemExit`` that the application raises in a call from a
            timer or from the answer to a poll. None: the exception ends the host.
        hang_ups: watches sockets that are not being read, except those of the reactor.
        handover: hands connections over to other processes; None: there are none.
        application: answers requests outside of the engine; None: there is none.
        adapter_health: returns the state of the link to the other servers of the cluster; None: there is no cluster.
    """

    def __init__(self, engine: Engine, logger: logging.Logger) -> None:
        self.engine = engine
        self.logger = logger
        self.state = HostState.RUNNING
        self.admission = Admission(engine, self.refuses, logger)
        self.headers = ResponseHeaders(engine.hooks, engine.options.cookie, logger)
        self.on_interrupt: Callable[[BaseException], None] | None = None
        self.polls = Polls(logger, self.interrupted)
        self.compressing = trio.CapacityLimiter(os.cpu_count() or 1)
        self.hang_ups = HangUps()
        self.handover: HandsOver | None = None
        self.application: OutsideApplication | None = None
        self.adapter_health: Callable[[], AdapterHealth] | None = None
        self._started = trio.current_time()

    @property
    def is_stopping(self) -> bool:
        """Whether the server no longer waits for requests."""
        return self.state is HostState.STOPPING

    def refuses(self, request: EngineRequest) -> bool:
        """Return whether to refuse a request because of the state: all when stopping, new sessions when draining."""
        return self.is_stopping or (self.state is HostState.DRAINING and not request.sid)

    def interrupted(self, error: BaseException) -> None:
        """Report a ``KeyboardInterrupt`` or ``SystemExit`` to ``on_interrupt``; raise it if that is None."""
        if self.on_interrupt is None:
            raise error
        self.on_interrupt(error)

    def health(self) -> Health:
        """Return the state of the server, as health checks report it."""
        uptime = trio.current_time() - self._started
        adapter = None if self.adapter_health is None else self.adapter_health()
        return Health(self.state.status, self.engine.clients_count, uptime, adapter)
