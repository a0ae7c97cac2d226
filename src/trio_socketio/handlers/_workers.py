"""Worker tasks, which handle the events of all sockets of a running server."""

from __future__ import annotations

import math
from collections import deque
from contextvars import copy_context
from typing import Generic, TypeVar

import trio

from trio_socketio._passing import PASSING
from trio_socketio._signal import Signal
from trio_socketio.handlers._ack import NO_ACK
from trio_socketio.handlers._inbox import Event
from trio_socketio.handlers._mailbox import ENDED, IDLE, QUEUED, Mailbox
from trio_socketio.handlers._ordering import Key, serial
from trio_socketio.handlers._owner import Spawner

__all__ = ["MOST_FREE", "Workers"]

#: How many idle workers wait for work at most. When so many wait, another worker ends instead of waiting.
MOST_FREE = 64

#: How many events a worker handles before a checkpoint, so that other tasks run even if no handler waits.
EVENTS_BETWEEN_CHECKPOINTS = 64

E = TypeVar("E", bound=Event)


class Workers(Generic[E]):
    """The workers of one running server, in its nursery.

    A task for each event would cost as much as the rest of an echo. Instead, a worker handles the events that wait in
    one mailbox, and continues with the next mailbox. As long as no handler waits, one worker serves all sockets. A
    handler that waits keeps its worker, and another worker serves the other mailboxes.

    While a worker serves a mailbox, its cancel scope is in the ``scopes`` of the mailbox: when the socket ends, the
    worker is cancelled and ends, too. A worker also ends when a handler has set a context variable, so that the
    handlers of other sockets do not see it.

    Args:
        spawner: the running server.
        key: decides which events of a socket are handled one after the other.

    Attributes:
        spawner: the running server.
        idle: one Trio event for each mailbox in ``wait_until_idle``; set when the mailbox may be idle.
        mailboxes: how many mailboxes exist.
    """

    def __init__(self, spawner: Spawner, key: Key = serial) -> None:
        self.spawner = spawner
        self.idle: dict[Mailbox[E], trio.Event] = {}
        self._key = key
        self._waiting: deque[Mailbox[E]] = deque()
        self._free: list[Signal] = []
        #: whether a worker was woken or started and has not looked at ``_waiting`` yet
        self._is_coming = False
        self._context = copy_context()
        self.mailboxes = 0

    # for mailboxes

    def began(self) -> None:
        """Count a mailbox that may be served."""
        self.mailboxes += 1

    def ended(self) -> None:
        """Remove a mailbox that has ended from the count. After the last one, the idle workers end."""
        self.mailboxes -= 1
        if not self.mailboxes:
            while self._free:
                self._free.pop().set()

    def serve(self, mailbox: Mailbox[E]) -> None:
        """Let a worker handle the events that wait in a mailbox."""
        self._waiting.append(mailbox)
        if not self._is_coming:
            self._call()

    def _call(self) -> None:
        self._is_coming = True
        if self._free:
            self._free.pop().set()
        else:
            self._context.run(self.spawner.spawn, self._work, name="events of sockets")

    # a worker

    async def _work(self) -> None:
        spawner, waiting, signal, clean = self.spawner, self._waiting, Signal(), copy_context()
        task = trio.lowlevel.current_task()
        with trio.CancelScope() as scope:
            while True:
                self._is_coming = False
                streak = 0
                while waiting:
                    mailbox = waiting.popleft()
                    if waiting and not self._is_coming:
                        self._call()
                    if mailbox.state is QUEUED:  # otherwise the mailbox has ended meanwhile
                        streak = await self._serve(mailbox, scope, streak, task)
                        if mailbox.state is ENDED or copy_context() != clean:
                            return
                    del mailbox  # do not keep the mailbox alive while this worker waits
                if not self.mailboxes or len(self._free) >= MOST_FREE:
                    return
                if trio.current_effective_deadline() < math.inf:
                    return  # a handler has left a cancel scope open: its deadline would cancel other handlers
                self._free.append(signal)
                spawner.pause()
                try:
                    await signal.wait()
                except BaseException:  # the server ends, or a handler has left a scope open
                    self._leave(signal)
                    raise
                finally:
                    spawner.resume()
                if not self._is_coming:
                    return  # woken by ``ended``, not by ``_call``

    def _leave(self, signal: Signal) -> None:
        """Remove an idle worker that is cancelled. If it was woken already, call another one in its place."""
        if signal in self._free:
            self._free.remove(signal)
        else:  # it was woken meanwhile
            self._call()

    async def _serve(
        self, mailbox: Mailbox[E], scope: trio.CancelScope, streak: int, task: trio.lowlevel.Task
    ) -> int:
        """Handle the events that wait in a mailbox. Return how many were handled since the last checkpoint."""
        inbox, owner, socket = mailbox.inbox, mailbox.owner, mailbox.owner.socket
        assert inbox is not None
        mailbox.scopes = (*mailbox.scopes, scope)
        mailbox.state = task
        event: E | None = None
        try:
            if self._key is not serial:
                await self._handle_by_key(mailbox)
            while (event := inbox.take()) is not None:
                inbox.current = event.name
                handler = mailbox.table.lone.get(event.name)
                if handler is None:
                    await owner.handle(event)
                else:
                    try:  # the same as ``invoke``, inlined because another coroutine takes 0.2 µs
                        result = await handler.call(socket, event.args, NO_ACK)
                        if event.ack_id is not None:
                            owner.acknowledge(event.ack_id, result)
                    except PASSING:
                        raise
                    except BaseException as error:
                        owner.failed(event, error)
                streak += 1
                if streak >= EVENTS_BETWEEN_CHECKPOINTS:
                    streak = 0
                    await trio.lowlevel.checkpoint()
        finally:
            if event is not None:
                owner.cut_off(event)
            if mailbox.state is task:
                mailbox.state = IDLE
            mailbox.wake_idle()
            if mailbox.release(scope):
                await mailbox.finish()
        return streak

    async def _handle_by_key(self, mailbox: Mailbox[E]) -> None:
        """Handle the events that wait: those with a key in this task, each of the others in its own task."""
        inbox = mailbox.inbox
        assert inbox is not None
        while (event := inbox.borrow()) is not None:
            if self._key(event) is not None:
                await mailbox.handle_apart(event)
                continue
            mailbox.nursery.start_soon(mailbox.handle_apart, event)
            # Trio runs tasks that are ready at the same time in any order. This checkpoint lets the handler start
            # before the task of the next event is ready.
            await trio.lowlevel.checkpoint()
