"""Mailboxes: the waiting events and the running tasks of one socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum, auto
from typing import Generic, Protocol, TypeVar

import trio

from trio_socketio._passing import PASSING
from trio_socketio.handlers._ack import NO_ACK
from trio_socketio.handlers._handler import Handler
from trio_socketio.handlers._inbox import Event, Inbox
from trio_socketio.handlers._invoke import SLOW_HANDLER, was_slow
from trio_socketio.handlers._nursery import SocketNursery
from trio_socketio.handlers._owner import Owner, Spawner
from trio_socketio.handlers._table import HandlerTable, JoinedTable

__all__ = ["ENDED", "HELD", "IDLE", "QUEUED", "RUNNING", "Mailbox", "WorkerPool", "State"]

E = TypeVar("E", bound=Event)


class State(Enum):
    """The state of a mailbox that no worker handles."""

    HELD = auto()  #: events wait for ``ready``
    IDLE = auto()  #: no event waits; the next event is handled when it arrives
    QUEUED = auto()  #: events wait for a worker
    RUNNING = auto()  #: plain functions handle an event, in the task that received it
    ENDED = auto()  #: no event is handled any more


#: The states as globals: in Python 3.11, the lookup of an attribute of an ``Enum`` takes 0.1 µs.
HELD, IDLE, QUEUED, RUNNING, ENDED = State


def _ignore(error: BaseException) -> None:
    """Do nothing: a nursery that takes no tasks reports no error."""


def _closed_nursery(start: Callable[..., None]) -> SocketNursery:
    nursery = SocketNursery(start, _ignore)
    nursery.close()
    return nursery


class Iteration(Protocol):
    """An iteration over the events that have no handler."""

    def close(self) -> None:
        """End its iterators, because the socket has ended."""


class WorkerPool(Protocol[E]):
    """The part of ``Workers`` that mailboxes use.

    Attributes:
        spawner: starts the tasks of mailboxes.
        idle: one Trio event for each mailbox in ``wait_until_idle``; set when the mailbox may be idle.
    """

    spawner: Spawner
    idle: dict[Mailbox[E], trio.Event]

    def serve(self, mailbox: Mailbox[E]) -> None:
        """Let a worker handle the events that wait in a mailbox."""

    def began(self) -> None:
        """Count a mailbox that may be served."""

    def ended(self) -> None:
        """Remove a mailbox from the count: it has ended, and so have its tasks."""


class Mailbox(Generic[E]):
    """The events of one socket, and its tasks.

    An idle socket has no task. Plain functions handle an event at once, in the task that received it, if no other
    event waits or is handled; otherwise a worker handles the event. Other tasks are started for connection handlers,
    for the nursery, and for disconnect handlers.

    ``scopes`` holds the cancel scope of each running task. ``end`` cancels them, and the last task to end runs the
    disconnect handlers. No task starts after ``end``: the nursery takes no tasks, and no worker serves the mailbox. So
    the disconnect handlers run once.

    Attributes:
        owner: the object that the mailbox belongs to; deleted after the disconnect handlers.
        workers: the workers of the running server.
        table: the handlers of events.
        inbox: the events that wait; None until the first event has to wait.
        state: a ``State``, or the task of the worker that handles the events.
        scopes: the cancel scopes of the running tasks.
        iteration: the iteration over events that have no handler, or None.
    """

    # Each idle socket has a mailbox. Parts that most sockets never need are made at their first use, to save memory.
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
        """Return the table of the socket's own handlers; make it with ``make`` at the first call."""
        if not isinstance(self.table, JoinedTable):
            self.table = JoinedTable(self.table, make())
        return self.table.own

    # events

    def receive(self, event: E) -> None:
        """Handle an event at once if all its handlers are plain functions and the mailbox is idle; else queue it."""
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
                except PASSING:
                    raise
                except BaseException as error:
                    owner.failed(event, error)
            else:
                owner.handle_inline(event, handlers)
        finally:
            if self.state is RUNNING:
                self.state = IDLE
                if self.inbox is not None:
                    self.deliver()

    def deliver(self) -> None:
        """Let a worker handle the events that wait, if the mailbox is in the state ``IDLE``."""
        if self.state is IDLE and self.inbox is not None and self.inbox.has_waiting:
            self.state = QUEUED
            self.workers.serve(self)

    def ready(self) -> bool:
        """Stop holding events, and deliver those that wait. Return whether they were held."""
        if self.state is not HELD:
            return False
        self.state = IDLE
        self.deliver()
        return True

    async def handle_apart(self, event: E) -> None:
        """Handle an event that was borrowed from the inbox."""
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
        """Wait for the next ``wake_idle``. The caller then checks whether the mailbox is idle."""
        await self.workers.idle.setdefault(self, trio.Event()).wait()

    def wake_idle(self) -> None:
        """Wake the tasks in ``wait_until_idle``."""
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
        """Start a task, which ``end`` cancels.

        Args:
            function: the async function that the task runs.
            scope: the cancel scope of the task; None makes a new one.
            name: the name of the task, for debuggers.
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
        """Remove the scope of a task that ends. Return whether that task must call ``finish``."""
        self.scopes = tuple(other for other in self.scopes if other is not scope)
        return not self.scopes and self.state is ENDED

    @property
    def nursery(self) -> SocketNursery:
        """The nursery for tasks of the application, which are cancelled when the socket ends."""
        if self._nursery is None:
            if self.state is ENDED:
                return _closed_nursery(self.start)
            self._nursery = SocketNursery(self.start, self.owner.nursery_failed)
        return self._nursery

    # the end

    def end(self) -> None:
        """Cancel the tasks, and run the disconnect handlers after the last one. Waiting events stay in the inbox."""
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
        del self.owner  # the owner refers to this mailbox: break the reference cycle
        self.workers.ended()
