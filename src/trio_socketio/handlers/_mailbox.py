"""What a socket has waiting and running."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum, auto
from typing import Generic, Protocol, TypeVar

import trio

from trio_socketio.handlers._ack import NO_ACK
from trio_socketio.handlers._boundary import CONTAINED
from trio_socketio.handlers._handler import Handler
from trio_socketio.handlers._inbox import Event, Inbox
from trio_socketio.handlers._invoke import SLOW_HANDLER, was_slow
from trio_socketio.handlers._nursery import SocketNursery
from trio_socketio.handlers._owner import Owner, Spawner
from trio_socketio.handlers._table import HandlerTable, JoinedTable

__all__ = ["ENDED", "HELD", "IDLE", "QUEUED", "RUNNING", "Mailbox", "WorkerPool", "State"]

E = TypeVar("E", bound=Event)


class State(Enum):
    """What is done with the events of a mailbox, unless a worker handles them."""

    HELD = auto()  #: they wait for ``ready``
    IDLE = auto()  #: the next one is handled when it comes
    QUEUED = auto()  #: they wait for a worker
    RUNNING = auto()  #: one is handled by plain functions, in the task that received it
    ENDED = auto()  #: none is handled any more


#: The same by themselves: in Python 3.11, to look one up through its class takes 0.1 µs.
HELD, IDLE, QUEUED, RUNNING, ENDED = State


def _ignore(error: BaseException) -> None:
    """A nursery that takes no tasks has no failure to report."""


def _closed_nursery(start: Callable[..., None]) -> SocketNursery:
    nursery = SocketNursery(start, _ignore)
    nursery.close()
    return nursery


class Iteration(Protocol):
    """Iterators over the events that no handler takes."""

    def close(self) -> None:
        """End them: the socket has ended."""


class WorkerPool(Protocol[E]):
    """The workers of a running server, as mailboxes see them.

    Attributes:
        spawner: starts the tasks of mailboxes.
        idle: set when a mailbox may be idle, for those that something waits for.
    """

    spawner: Spawner
    idle: dict[Mailbox[E], trio.Event]

    def serve(self, mailbox: Mailbox[E]) -> None:
        """Let a worker handle the events that wait in a mailbox."""

    def began(self) -> None:
        """Count a mailbox that may be served."""

    def ended(self) -> None:
        """That mailbox has ended, and so have its tasks."""


class Mailbox(Generic[E]):
    """The events of one socket, and its tasks.

    A socket that has nothing to do has no task. Plain functions handle an event at once, in the task that received it,
    if nothing is before it; otherwise a worker handles it. Other tasks are started for connection handlers, for the
    nursery, and for disconnect handlers. Each has its cancel scope in ``scopes``; ``end`` cancels them, and the last
    one that ends runs the disconnect handlers. After ``end`` none begins: the nursery takes no tasks, and no worker
    comes. So disconnect handlers run once.

    Attributes:
        owner: the object it belongs to, until all is over.
        workers: those of the running server.
        table: the handlers of events.
        inbox: the events that wait; None: none had to wait yet.
        state: what is done with the events; the worker's task while one handles them.
        scopes: of the tasks.
        iteration: over events that no handler takes; None: there is none.
    """

    # One exists for each idle socket: what most never need is made when it is first used.
    __slots__ = ("_nursery", "inbox", "iteration", "owner", "scopes", "state", "table", "workers")

    def __init__(self, owner: Owner[E], workers: WorkerPool[E], table: HandlerTable) -> None:
        self.owner = owner
        self.workers = workers
        self.table: HandlerTable | JoinedTable = table
        self.inbox: Inbox[E] | None = None
        self.state: State | trio.lowlevel.Task = HELD
        self.scopes: tuple[trio.CancelScope, ...] = ()
        self.iteration: Iteration | None = None
        self._nursery: SocketNursery | None = None
        workers.began()

    @property
    def has_ended(self) -> bool:
        """Whether ``end`` was called."""
        return self.state is ENDED

    @property
    def has_waiting(self) -> bool:
        """Whether events wait."""
        return self.inbox is not None and self.inbox.has_waiting

    @property
    def worker(self) -> trio.lowlevel.Task | None:
        """The task that handles events now, if it is a worker."""
        return None if isinstance(self.state, State) else self.state

    @property
    def is_idle(self) -> bool:
        """Whether no event waits or is handled."""
        is_handling = self.state is RUNNING or self.worker is not None
        return not is_handling and (self.inbox is None or not self.inbox.count)

    def own_table(self, make: Callable[[], HandlerTable]) -> HandlerTable:
        """Return the table of the socket's own handlers, made when it is first used."""
        if not isinstance(self.table, JoinedTable):
            self.table = JoinedTable(self.table, make())
        return self.table.own

    # events

    def receive(self, event: E) -> None:
        """Handle an event at once if its handlers are plain functions and nothing is before it; else let it wait."""
        inbox = self.inbox
        if self.state is IDLE and (inbox is None or not inbox.count):
            handlers = self.table.inline.get(event.name)
            if handlers:
                self._handle_inline(event, handlers)
                return
        if inbox is None:
            inbox = self.inbox = self.owner.make_inbox()
        inbox.put(event)
        if self.state is IDLE:
            self.deliver()
        elif self.state is not QUEUED:
            self.owner.event_waits()

    def _handle_inline(self, event: E, handlers: Sequence[Handler]) -> None:
        owner = self.owner
        self.state = RUNNING
        try:
            if len(handlers) == 1 and handlers[0].is_simple:  # as ``invoke_plain``, without its calls
                try:
                    result = handlers[0].call_apart(owner.socket, event.args, NO_ACK, SLOW_HANDLER, was_slow)
                    if event.ack_id is not None:
                        owner.acknowledge(event.ack_id, result)
                except CONTAINED as error:
                    owner.failed(event, error)
            else:
                owner.handle_inline(event, handlers)
        finally:
            if self.state is RUNNING:
                self.state = IDLE
                if self.inbox is not None:
                    self.deliver()

    def deliver(self) -> None:
        """Let a worker handle the events that wait, if they may be handled."""
        if self.state is IDLE and self.inbox is not None and self.inbox.has_waiting:
            self.state = QUEUED
            self.workers.serve(self)

    def ready(self) -> bool:
        """Let events through that were held; returns whether they were."""
        if self.state is not HELD:
            return False
        self.state = IDLE
        self.deliver()
        return True

    async def handle_apart(self, event: E) -> None:
        """Handle an event that was borrowed from the inbox, in a task of its own."""
        assert self.inbox is not None
        self.inbox.current = event.name
        is_done = False
        try:
            await self.owner.handle(event)
            is_done = True
        finally:
            if not is_done:
                self.owner.cut_off(event)
            self.inbox.done(event)
            self.wake_idle()

    async def wait_until_idle(self) -> None:
        """Wait until no event waits or is handled, or something has changed that ``wake_idle`` was called for."""
        await self.workers.idle.setdefault(self, trio.Event()).wait()

    def wake_idle(self) -> None:
        """End the waits of ``wait_until_idle``."""
        if self.workers.idle:
            event = self.workers.idle.pop(self, None)
            if event is not None:
                event.set()

    # tasks

    def start(
        self,
        function: Callable[[], Awaitable[None]],
        scope: trio.CancelScope | None = None,
        *,
        name: object = "nursery of a socket",
    ) -> None:
        """Start a task that is cancelled by ``end``.

        Args:
            function: what it awaits.
            scope: its cancel scope, if it shall have a certain one.
            name: for debuggers.
        """
        scope = scope or trio.CancelScope()
        self.workers.spawner.spawn(self._run, function, scope, name=name)
        self.scopes = (*self.scopes, scope)

    async def _run(self, function: Callable[[], Awaitable[None]], scope: trio.CancelScope) -> None:
        try:
            with scope:
                await function()
        finally:
            if self.release(scope):
                await self.finish()

    def release(self, scope: trio.CancelScope) -> bool:
        """Forget the scope of a task that ends; returns whether that task has to call ``finish``."""
        self.scopes = tuple(other for other in self.scopes if other is not scope)
        return not self.scopes and self.state is ENDED

    @property
    def nursery(self) -> SocketNursery:
        """For tasks of the application that end with the socket."""
        if self._nursery is None:
            if self.state is ENDED:
                return _closed_nursery(self.start)
            self._nursery = SocketNursery(self.start, self.owner.nursery_failed)
        return self._nursery

    # the end

    def end(self) -> None:
        """Cancel the tasks, and run the disconnect handlers when all have ended. Events that wait stay in the inbox."""
        self.state = ENDED
        self.wake_idle()
        if self.iteration is not None:
            self.iteration.close()
        if self._nursery is not None:
            self._nursery.close()
        if self.scopes:
            for scope in self.scopes:
                scope.cancel()
        elif self.owner.has_disconnect_handlers:
            self.workers.spawner.spawn(self.finish, name="disconnect handlers of a socket")
        else:
            self._forget()

    async def finish(self) -> None:
        """Run the disconnect handlers, and drop all references."""
        try:
            if self.owner.has_disconnect_handlers:
                with self.workers.spawner.disconnecting():
                    await self.owner.run_disconnect_handlers()
        finally:
            self._forget()

    def _forget(self) -> None:
        self._nursery = self.iteration = None
        if isinstance(self.table, JoinedTable):
            self.table = self.table.shared
        self.owner.vanish()
        del self.owner  # which refers to this
        self.workers.ended()
