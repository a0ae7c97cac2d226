"""The state of a running server: its nursery, its engine, and the order in which it stops."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any

import trio

from trio_socketio._passing import passes
from trio_socketio.engineio import Engine, EngineHooks, Session, SessionObserver
from trio_socketio.errors import DisconnectReason
from trio_socketio.handlers import INTERRUPTS, leaf
from trio_socketio.net import EngineHost, OtherProcesses, TasklessConnection
from trio_socketio.serving._busy_tasks import BusyTasks
from trio_socketio.serving._config import EngineConfig
from trio_socketio.serving._grace import Grace
from trio_socketio.serving._inlet import Inlet
from trio_socketio.serving._observer import EngineObserver, Observable, Observed
from trio_socketio.serving._overflowed import OverflowedPeers

__all__ = ["BaseRuntime"]


async def _reraise(error: BaseException) -> None:
    try:
        raise error
    finally:
        del error  # its traceback refers to this frame


class BaseRuntime(BusyTasks):
    """The state of a server while it runs. Socket.IO and Engine.IO servers derive their own class from it.

    Args:
        config: the server's options.
        hooks: the application's functions for HTTP requests.
        observer: the application's observer of sessions; None if there is none.
        log: the logger for errors of the application's handlers.

    Attributes:
        nursery: the server's nursery, which runs the tasks of sockets and connections, the reactor and the timers.
        engine: the engine, which holds the sessions.
        host: the host, which serves the engine on connections.
        inlet: takes calls from outside Trio tasks.
        grace: the time that disconnect handlers have.
        overflowed: the peers that will be disconnected, because their outboxes are full.
        acks_cut: how many acknowledgements were not sent because the stop has cancelled their handlers.
    """

    def __init__(
        self, config: EngineConfig, hooks: EngineHooks, observer: EngineObserver | None, log: logging.Logger
    ) -> None:
        super().__init__(log)
        self.config = config
        self.observer = observer
        logger = logging.getLogger("trio_socketio.engine")
        connect: Callable[[Session], SessionObserver] = self._connect
        if observer is not None:
            connect = self._connect_observed
        self.engine = Engine(config.engine_options(), connect, trio.current_time(), logger, hooks)
        self.host = EngineHost(self.engine, config.host_options(), logger)
        if self.host.reactor is not None:
            self.host.reactor.on_idle = self._became_idle
            self.host.reactor.on_interrupt = self.interrupted
        if self.host.http_reactor is not None:
            self.host.http_reactor.on_idle = self._became_idle
        self.inlet = Inlet(self.spawn, self.interrupted, log)
        #: The names of handlers that the log has named, because they held a client for long.
        self.known_holders: set[str] = set()
        self.grace = Grace(config.disconnect_timeout)
        self.overflowed = OverflowedPeers(self.spawn)
        self._listening: set[trio.CancelScope] = set()
        #: The names of functions that returned False and that the log has named.
        self._known_false: set[str] = set()
        self.host.service.on_interrupt = self.interrupted
        self._parent: trio.Nursery
        self._is_interrupted = False
        self._begin_rest = self._start_rest  # one object for all connections
        self.acks_cut = 0

    @abstractmethod
    def _connect(self, session: Session) -> Observable:
        """Return the observer of a new session."""

    def _connect_observed(self, session: Session) -> SessionObserver:
        assert self.observer is not None
        return Observed(session, self._connect(session), self.observer)

    @abstractmethod
    async def _finish(self) -> None:
        """Wait until all received events are handled, and all queued messages are written."""

    async def _handlers_ended(self) -> None:  # most servers have nothing to do here
        """Do what remains when the server stops and all handlers have ended, within the grace of the stop."""

    @property
    def is_stopping(self) -> bool:
        """Whether the server is stopping: its sessions are closed, and running handlers have a grace."""
        return self.host.is_stopping

    # running

    async def start(self, parent: trio.Nursery) -> None:
        """Open the server's nursery, in a task of ``parent``. The nursery is shielded; ``stop`` cancels it."""
        opened = trio.Event()
        self._parent = parent
        parent.start_soon(self._hold_nursery, opened, name="trio_socketio server")
        with trio.CancelScope(shield=True):  # a cancelled ``Nursery.start`` would leave the nursery half open
            await opened.wait()

    @trio.lowlevel.enable_ki_protection
    async def _hold_nursery(self, opened: trio.Event) -> None:
        try:
            with trio.CancelScope(shield=True):
                async with trio.open_nursery() as self.nursery:
                    self.nursery.start_soon(self.host.run, name="reactor and timers")
                    opened.set()
                    try:
                        await trio.sleep_forever()
                    finally:  # after an interrupt, too: sockets without a task would not notice the cancellation
                        self._close_sessions()
        except BaseExceptionGroup as group:
            raise leaf(group) from None
        finally:
            if self.grace.is_cut_short:
                self.log.warning(
                    "interrupted again: the stop is cut short, with %d disconnect handlers and %d acknowledgements",
                    self.grace.handlers_cut,
                    self.acks_cut,
                )

    @trio.lowlevel.enable_ki_protection
    async def stop(self) -> None:
        """Stop in this order: listeners, handlers, disconnect handlers, the last flush. All share one grace."""
        try:
            for scope in self._listening:
                scope.cancel()
            self._close_sessions()
            with self.grace.scope():
                await self._wait_until_idle()
                await self._handlers_ended()
        except INTERRUPTS:
            self.grace.cut_short()
            raise
        finally:  # the nursery is shielded from outer cancellation
            self.nursery.cancel_scope.cancel()

    def disconnecting(self) -> AbstractContextManager[None]:
        """Return the scope for the disconnect handlers of one socket; see ``Grace.disconnecting``."""
        return self.grace.disconnecting()

    # interrupts

    def interrupted(self, error: BaseException) -> None:
        """Stop in order after a task has raised ``KeyboardInterrupt`` or ``SystemExit``, then raise it.

        A second interrupt ends the grace of the stop.
        """
        if self._is_interrupted or self.is_stopping:
            self.grace.cut_short()
        if not self._is_interrupted:
            self._is_interrupted = True
            self._parent.start_soon(_reraise, error, name="interrupt")

    def _close_sessions(self) -> None:
        """End all sessions, and begin the grace that their handlers share."""
        now = trio.current_time()
        self.grace.begin_stop(now)
        self.host.stop()
        self.inlet.close()
        self.engine.endings.deliver()
        for session in list(self.engine.sessions.values()):
            session.close(
                DisconnectReason.SERVER_SHUTTING_DOWN,
                "the server stops",
                now=now,
                code=1001,
                deadline=self.grace.deadline,
            )

    async def drain(self, timeout: float) -> None:
        """Refuse new sessions, let handlers and outboxes finish, and close every session with 1001."""
        self.host.drain()
        with trio.move_on_after(timeout):
            await self._finish()
        now = trio.current_time()
        for session in list(self.engine.sessions.values()):
            session.close(
                DisconnectReason.SERVER_SHUTTING_DOWN, "the server drains", now=now, code=1001, linger=True
            )

    def call_observer(self, observer: Callable[..., object], args: tuple[Any, ...]) -> None:
        """Call an observer of the application. Log its exceptions, so that they end nothing else."""
        try:
            observer(*args)
        except INTERRUPTS as error:
            self.interrupted(error)
        except BaseException as error:
            if passes(error):
                raise
            self.log.exception("observer %s failed", getattr(observer, "__qualname__", repr(observer)))

    def returned_false(self, function: Callable[..., object], remedy: str) -> None:
        """Log once that a middleware or connection handler returned False, which refuses clients in other libraries."""
        name = getattr(function, "__qualname__", repr(function))
        if name not in self._known_false:
            self._known_false.add(name)
            self.log.warning("%s returned False, which does not refuse the client: %s", name, remedy)

    # serving

    async def serve_stream(self, stream: trio.abc.Stream) -> None:
        """Serve one connection until it has ended."""
        self._busy += 1
        await self._contained(self._serve_to_the_end, stream)

    async def serve_foreign(self, function: Callable[..., Awaitable[object]], *args: Any) -> None:
        """Call a function that serves a request which another server has accepted, in the task of that server."""
        self._busy += 1
        await self._contained(function, *args)

    async def _serve_to_the_end(self, stream: trio.abc.Stream) -> None:
        driver = await self.host.serve_alone(stream)
        if driver is None or driver.is_gone:
            return
        gone = trio.Event()
        driver.on_gone = gone.set
        try:
            await gone.wait()
        finally:
            driver.drop()

    def _start_accepted(self, stream: trio.abc.Stream) -> None:
        if self.host.begin(stream, self._begin_rest) is None:
            self.nursery.start_soon(self._serve_accepted, stream, name="connection")
        self.host.arrivals.accepted.set()

    def _start_rest(self, connection: TasklessConnection) -> None:
        """Start the task of a connection that needs one."""
        rest = connection.rest
        if rest is not None:
            self.spawn(self.host.serve, rest.http.stream, b"", rest, name="connection")

    @trio.lowlevel.enable_ki_protection
    async def _serve_accepted(self, stream: trio.abc.Stream, received: bytes = b"") -> None:
        self._busy += 1
        await self._contained(self.host.serve, stream, received)

    def join_workers(self, others: OtherProcesses) -> None:
        """See ``Serving.join_workers``."""
        self.engine.rules.make_ids_by(others.make_id)
        self.host.hand_over_to(others)
        others.begin(self._start_handed_over)

    def _start_handed_over(self, stream: trio.SocketStream, received: bytes) -> None:
        if self.is_stopping:  # or has stopped: then there is no nursery any more
            stream.socket.close()
            return
        self.nursery.start_soon(self._serve_accepted, stream, received, name="connection")
        self.host.arrivals.accepted.set()

    async def serve_listeners(
        self, listeners: list[trio.abc.Listener[Any]], task_status: trio.TaskStatus[list[Any]]
    ) -> None:
        """Accept connections until cancelled, or until the server stops."""
        with trio.CancelScope() as scope:
            if self.is_stopping:  # the listeners were opened while the server stopped
                scope.cancel()
            self._listening.add(scope)
            arrivals = self.host.arrivals
            arrivals.listeners.extend(listeners)
            try:
                await self.host.acceptor.run(listeners, self._start_accepted, task_status)
            finally:
                self._listening.discard(scope)
                for listener in listeners:
                    arrivals.listeners.remove(listener)
