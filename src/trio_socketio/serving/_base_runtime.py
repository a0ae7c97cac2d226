"""A running server: its nursery, its engine, and the order in which it stops."""

from __future__ import annotations

import logging
import math
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import trio

from trio_socketio.engineio import Engine, EngineHooks, Session, SessionObserver
from trio_socketio.errors import DisconnectReason
from trio_socketio.handlers import INTERRUPTS, contain, leaf
from trio_socketio.net import EngineHost
from trio_socketio.serving._config import EngineConfig
from trio_socketio.serving._inlet import Inlet
from trio_socketio.serving._observer import EngineObserver, Observable, Observed

__all__ = ["BaseRuntime"]

#: How long clients whose outboxes overflow together are given up in a row, in seconds, before other tasks run. Their
#: disconnect handlers begin then, which takes about as long: together 10 ms.
OVERFLOW_SLICE = 0.005


class Overflowing(Protocol):
    """A client whose outbox is full."""

    @property
    def session(self) -> Session:
        """Its session."""
        ...

    def overflow(self) -> None:
        """Give the client up."""


async def _reraise(error: BaseException) -> None:
    try:
        raise error
    finally:
        del error  # its traceback refers to this frame


class BaseRuntime(ABC):
    """What exists while a server runs, whatever its messages mean.

    Args:
        config: the server's options.
        hooks: the application's, for HTTP requests.
        observer: hears what each session does; None: nobody does.
        log: for what its handlers do wrong.

    Attributes:
        nursery: the server's nursery: parent of sockets, connections, and the timer wheel.
        engine: the sessions.
        host: serves them.
        inlet: takes calls from outside Trio tasks.
        acks_cut: how many events that a client waits for an acknowledgement of were being handled when a stop began.
    """

    nursery: trio.Nursery

    def __init__(
        self, config: EngineConfig, hooks: EngineHooks, observer: EngineObserver | None, log: logging.Logger
    ) -> None:
        self.config = config
        self.observer = observer
        self.log = log
        logger = logging.getLogger("trio_socketio.engine")
        connect: Callable[[Session], SessionObserver] = self._connect
        if observer is not None:
            connect = self._connect_observed
        self.engine = Engine(config.engine_options(), connect, trio.current_time(), logger, hooks)
        self.host = EngineHost(self.engine, config.host_options(), logger)
        if self.host.reactor is not None:
            self.host.reactor.on_idle = self._became_idle
            self.host.reactor.on_interrupt = self.interrupted
        self.inlet = Inlet(self.spawn, log)
        #: what has held a client for long, and is in the log
        self.known_holders: set[str] = set()
        self._grace_deadline = math.inf
        self._busy = 0
        self._quiet = trio.Event()
        self._overflowed: deque[Overflowing] = deque()
        self._is_closing_overflowed = False
        self._listening: set[trio.CancelScope] = set()
        #: names of functions that returned False and are known from the log
        self._known_false: set[str] = set()
        self.host.on_interrupt = self.interrupted
        self._parent: trio.Nursery
        self._is_interrupted = False
        #: what ends with the grace of a stop
        self._graces: set[trio.CancelScope] = set()
        self._is_cut_short = False
        self._handlers_cut = 0
        self.acks_cut = 0

    @abstractmethod
    def _connect(self, session: Session) -> Observable:
        """Who hears of a new session."""

    def _connect_observed(self, session: Session) -> SessionObserver:
        assert self.observer is not None
        return Observed(session, self._connect(session), self.observer)

    @abstractmethod
    async def _finish(self) -> None:
        """Wait until what has come is handled, and what was sent is written."""

    @property
    def is_stopping(self) -> bool:
        """Whether the server stops: its sessions are closed, and what still runs has a grace."""
        return self.host.is_stopping

    # running

    async def start(self, parent: trio.Nursery) -> None:
        """Open the server's nursery, in a task of ``parent``. It is shielded: ``stop`` ends what is in it."""
        opened = trio.Event()
        self._parent = parent
        parent.start_soon(self._hold_nursery, opened, name="trio_socketio server")
        with trio.CancelScope(shield=True):  # ``Nursery.start`` would leave it half open when it is cancelled
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
                    finally:  # also if a task has raised what stops the program: a socket may have no task to notice
                        self._close_sessions()
        except BaseExceptionGroup as group:
            raise leaf(group) from None
        finally:
            if self._is_cut_short:
                self.log.warning(
                    "interrupted again: the stop is cut short, with %d disconnect handlers and %d acknowledgements",
                    self._handlers_cut,
                    self.acks_cut,
                )

    @trio.lowlevel.enable_ki_protection
    async def stop(self) -> None:
        """Stop in order: listeners, handlers, disconnect handlers, the last flush. All share one grace."""
        try:
            for scope in self._listening:
                scope.cancel()
            self._close_sessions()
            with self.grace():
                while self._is_busy:
                    self._quiet = trio.Event()
                    await self._quiet.wait()
        except INTERRUPTS:
            self.cut_short()
            raise
        finally:  # the nursery is shielded
            self.nursery.cancel_scope.cancel()

    @contextmanager
    def grace(self) -> Iterator[trio.CancelScope]:
        """A shielded scope for what may still run when its socket has ended; it ends with the grace of a stop."""
        deadline = min(self._grace_deadline, trio.current_time() + self.config.disconnect_timeout)
        with trio.CancelScope(shield=True, deadline=deadline) as scope:
            self._graces.add(scope)
            try:
                yield scope
            finally:
                self._graces.discard(scope)

    @contextmanager
    def disconnecting(self) -> Iterator[None]:
        """The grace of a socket's disconnect handlers."""
        with self.grace() as scope:
            yield
        if scope.cancelled_caught and self._is_cut_short:
            self._handlers_cut += 1

    # interrupts

    def interrupted(self, error: BaseException) -> None:
        """One of the server's tasks has raised what stops the program: stop in order, then raise it.

        A second one ends the grace of the stop.
        """
        if self._is_interrupted or self.is_stopping:
            self.cut_short()
        if not self._is_interrupted:
            self._is_interrupted = True
            self._parent.start_soon(_reraise, error, name="interrupt")

    def cut_short(self) -> None:
        """End the grace of a stop now."""
        self._is_cut_short = True
        self._grace_deadline = min(self._grace_deadline, trio.current_time())
        for scope in self._graces:
            scope.cancel()

    def _close_sessions(self) -> None:
        """The end of all sockets, which begins the grace that they share."""
        now = trio.current_time()
        self._grace_deadline = min(self._grace_deadline, now + self.config.disconnect_timeout)
        self.host.stop()
        self.inlet.close()
        self.engine.endings.deliver()
        for session in list(self.engine.sessions.values()):
            session.close(
                DisconnectReason.SERVER_SHUTTING_DOWN,
                "the server stops",
                now=now,
                code=1001,
                deadline=self._grace_deadline,
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

    def spawn(self, function: Callable[..., Awaitable[object]], *args: Any, name: object) -> None:
        """Start a task in the server's nursery that ``stop`` waits for, from this moment on."""
        self.nursery.start_soon(self._contained, function, *args, name=name)
        self._busy += 1

    def pause(self) -> None:
        """A task that was started here waits until somebody wants it: ``stop`` does not wait for it."""
        self._busy -= 1
        self._became_idle()

    def resume(self) -> None:
        """It does something again, or ends."""
        self._busy += 1

    @trio.lowlevel.enable_ki_protection
    async def _contained(self, function: Callable[..., Awaitable[object]], *args: Any) -> None:
        """Run something that was counted. A mistake of ours in it ends one connection, not the server."""
        try:
            await function(*args)
        except INTERRUPTS as error:
            self.interrupted(error)
        except BaseExceptionGroup as group:
            contain(group, self._internal_error, self.interrupted)
        except Exception as error:
            self._internal_error(error)
        finally:
            self.pause()

    @property
    def _is_busy(self) -> bool:
        return self._busy > 0 or (self.host.reactor is not None and bool(self.host.reactor.drivers))

    def _became_idle(self) -> None:
        if not self._is_busy:
            self._quiet.set()

    # outboxes that are full

    def overflowed(self, clients: Iterable[Overflowing]) -> None:
        """The outboxes of these clients are full, and the next message can neither wait nor be dropped.

        The clients are given up in the order given. What one slice does not do is left to a task, so that many that
        overflow together do not hold up the others. Nothing is added to their outboxes meanwhile.
        """
        for client in clients:
            client.session.link.close_outbox()
            self._overflowed.append(client)
        if not self._is_closing_overflowed and self._close_slice():
            self._is_closing_overflowed = True
            self.spawn(self._close_overflowed, name="outboxes that overflowed")

    def _close_slice(self) -> bool:
        """Give up those whose turn it is, for a bounded time; returns whether any are left."""
        end = time.perf_counter() + OVERFLOW_SLICE
        while self._overflowed:
            self._overflowed.popleft().overflow()
            if time.perf_counter() > end:
                break
        return bool(self._overflowed)

    async def _close_overflowed(self) -> None:
        try:
            await trio.lowlevel.checkpoint()
            while self._close_slice():
                await trio.lowlevel.checkpoint()
        finally:
            self._is_closing_overflowed = False

    def _internal_error(self, error: Exception) -> None:
        self.log.critical("internal error", exc_info=error)

    def call_observer(self, observer: Callable[..., object], args: tuple[Any, ...]) -> None:
        """Call a function of the application that is told something; what it raises ends nothing else."""
        try:
            observer(*args)
        except INTERRUPTS as error:
            self.interrupted(error)
        except Exception:
            self.log.exception("observer %s failed", getattr(observer, "__qualname__", repr(observer)))

    def returned_false(self, function: Callable[..., object], remedy: str) -> None:
        """A middleware or connection handler returned False, which refuses in other libraries: say so once."""
        name = getattr(function, "__qualname__", repr(function))
        if name not in self._known_false:
            self._known_false.add(name)
            self.log.warning("%s returned False, which refuses no client here: %s", name, remedy)

    # serving

    async def serve_stream(self, stream: trio.abc.Stream) -> None:
        """Serve one connection until it has ended."""
        self._busy += 1
        await self._contained(self._serve_to_the_end, stream)

    async def _serve_to_the_end(self, stream: trio.abc.Stream) -> None:
        driver = await self.host.serve(stream)
        if driver is None or driver.is_gone:
            return
        gone = trio.Event()
        driver.on_gone = gone.set
        try:
            await gone.wait()
        finally:
            driver.drop()

    def _start_accepted(self, stream: trio.abc.Stream) -> None:
        self.nursery.start_soon(self._serve_accepted, stream, name="connection")
        self.host.arrivals.accepted.set()

    @trio.lowlevel.enable_ki_protection
    async def _serve_accepted(self, stream: trio.abc.Stream) -> None:
        self._busy += 1
        await self._contained(self.host.serve, stream)

    async def serve_listeners(
        self, listeners: list[trio.abc.Listener[Any]], task_status: trio.TaskStatus[list[Any]]
    ) -> None:
        """Accept connections until cancelled, or until the server stops."""
        with trio.CancelScope() as scope:
            if self.is_stopping:  # they were opened while the server stopped
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
