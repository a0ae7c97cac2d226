"""The tasks that handle events. All sockets of a running server share them."""

from __future__ import annotations

import math
from collections import deque
from contextvars import copy_context
from typing import Generic, TypeVar

import trio

from trio_socketio._signal import Signal
from trio_socketio.handlers._ack import NO_ACK
from trio_socketio.handlers._boundary import CONTAINED
from trio_socketio.handlers._inbox import Event
from trio_socketio.handlers._mailbox import ENDED, IDLE, QUEUED, Mailbox
from trio_socketio.handlers._ordering import Key, serial
from trio_socketio.handlers._owner import Spawner

__all__ = ["MOST_FREE", "Workers"]

#: How many workers at most wait for work; one that has nothing to do when there are enough of them ends.
MOST_FREE = 64

#: How many events are handled in a row before other tasks run, if no handler waits for anything.
EVENTS_BETWEEN_CHECKPOINTS = 64

E = TypeVar("E", bound=Event)


class Workers(Generic[E]):
    """The workers of one running server, in its nursery.

    A task for each event would cost as much as the rest of an echo. A worker handles the events that wait in one
    mailbox, and goes on with the next mailbox. As long as no handler waits for anything, one worker serves all sockets.
    A handler that waits keeps its worker, and another one goes on: there are as many as handlers that wait. While a
    worker is with a mailbox, its cancel scope is one of the mailbox's: it is cancelled when the socket ends, and then
    it ends, too. It also ends when a handler has set a context variable, so that no other socket's handlers see it.

    Args:
        spawner: the running server.
        key: says which events of a socket are handled one after the other.

    Attributes:
        spawner: the running server.
        idle: set when a mailbox may be idle, for those that something waits for.
        mailboxes: how many exist.
    """

    def __init__(self, spawner: Spawner, key: Key = serial) -> None:
        self.spawner = spawner
        self.idle: dict[Mailbox[E], trio.Event] = {}
        self._key = key
        self._waiting: deque[Mailbox[E]] = deque()
        self._free: list[Signal] = []
        #: whether a worker is on its way that will look at ``_waiting``
        self._is_coming = False
        self._context = copy_context()
        self.mailboxes = 0

    # for mailboxes

    def began(self) -> None:
        """Count a mailbox that may be served."""
        self.mailboxes += 1

    def ended(self) -> None:
        """That mailbox has ended, and so have its tasks. After the last one, workers that wait for work end."""
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
                    if mailbox.state is QUEUED:  # otherwise it has ended meanwhile
                        streak = await self._serve(mailbox, scope, streak, task)
                        if mailbox.state is ENDED or copy_context() != clean:
                            return
                    del mailbox  # keep nothing of it alive while this waits
                if not self.mailboxes or len(self._free) >= MOST_FREE:
                    return
                if trio.current_effective_deadline() < math.inf:
                    return  # a handler has left a cancel scope open, whose deadline would cancel the handlers of others
                self._free.append(signal)
                spawner.pause()
                try:
                    await signal.wait()
                except BaseException:  # the server ends, or that scope had no deadline
                    self._leave(signal)
                    raise
                finally:
                    spawner.resume()
                if not self._is_coming:
                    return  # not called, but dismissed by ``ended``

    def _leave(self, signal: Signal) -> None:
        """A worker that waits is cancelled: it handles no more events."""
        if signal in self._free:
            self._free.remove(signal)
        else:  # it was called meanwhile
            self._call()

    async def _serve(
        self, mailbox: Mailbox[E], scope: trio.CancelScope, streak: int, task: trio.lowlevel.Task
    ) -> int:
        """Handle what waits in a mailbox; returns how many events were handled since other tasks ran."""
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
                    try:  # as ``invoke``, here because another coroutine takes 0.2 µs
                        result = await handler.call(socket, event.args, NO_ACK)
                        if event.ack_id is not None:
                            owner.acknowledge(event.ack_id, result)
                    except CONTAINED as error:
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
        """Handle what waits: events that have a key here, each of the others in a task of its own."""
        inbox = mailbox.inbox
        assert inbox is not None
        while (event := inbox.borrow()) is not None:
            if self._key(event) is not None:
                await mailbox.handle_apart(event)
                continue
            mailbox.nursery.start_soon(mailbox.handle_apart, event)
            # Trio runs tasks that are ready at the same time in any order. This lets the handler start before the next
            # one is ready.
            await trio.lowlevel.checkpoint()
