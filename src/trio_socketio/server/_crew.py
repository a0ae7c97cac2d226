"""The tasks that handle events, shared by all sockets: a task for each would cost as much as the rest of an echo."""

from __future__ import annotations

import math
from collections import deque
from contextvars import copy_context
from typing import TYPE_CHECKING

import trio

from trio_socketio._signal import Signal
from trio_socketio.handlers import CONTAINED, NO_ACK

if TYPE_CHECKING:
    from trio_socketio.server._dispatch import Dispatcher
    from trio_socketio.server._life import Life
    from trio_socketio.server._runtime import Runtime
    from trio_socketio.server._socket import Socket
    from trio_socketio.socketio import EventReceived

__all__ = ["Crew"]

#: So many tasks at most wait for work; one that is done when there are enough of them ends.
MOST_FREE = 64

#: Events handled in a row before other tasks get their turn, if no handler waits for anything.
EVENTS_BETWEEN_CHECKPOINTS = 64


class Crew:
    """Handles the events of all sockets, each socket's in their order.

    A task handles what waits for one socket, and goes on with the next. As long as no handler waits for anything, one
    task serves everybody; a handler that waits keeps its task, and another one goes on: there are as many as handlers
    that wait. When a socket ends, the task that is with it is cancelled, and it ends too. No handler finds the context
    variables that another socket's has set.
    """

    def __init__(self, runtime: Runtime, dispatcher: Dispatcher, life: Life) -> None:
        self._runtime = runtime
        self._dispatcher = dispatcher
        self._life = life
        self._is_concurrent = runtime.ordering == "concurrent"
        self._waiting: deque[Socket] = deque()
        self._free: list[Signal] = []
        #: whether a task is on its way that will look at who waits
        self._is_coming = False
        self._context = copy_context()

    def serve(self, socket: Socket) -> None:
        """Events wait for a socket; nothing happens if somebody is with it, or on the way."""
        if not socket._is_served:
            socket._is_served = True
            self._waiting.append(socket)
            if not self._is_coming:
                self._call()

    def _call(self) -> None:
        self._is_coming = True
        if self._free:
            self._free.pop().set()
        else:
            self._context.run(self._runtime.spawn, self._work, name="events of sockets")

    async def _work(self) -> None:
        runtime, waiting, signal, clean = self._runtime, self._waiting, Signal(), copy_context()
        task = trio.lowlevel.current_task()
        with trio.CancelScope() as scope:
            while True:
                self._is_coming = False
                streak = 0
                while waiting:
                    socket = waiting.popleft()
                    if waiting and not self._is_coming:
                        self._call()
                    if socket.connected:  # or it has ended while it waited, and somebody else says farewell
                        streak = await self._serve(socket, scope, streak, task)
                        if socket._has_ended or copy_context() != clean:
                            return
                    del socket  # nothing of it is kept by who waits
                if not self._life.living or len(self._free) >= MOST_FREE:
                    return
                if trio.current_effective_deadline() < math.inf:
                    return  # a handler has left a cancel scope open, whose time would run for others
                self._free.append(signal)
                runtime.pause()
                try:
                    await signal.wait()
                except BaseException:  # all is over, or that scope had no deadline
                    self._leave(signal)
                    raise
                finally:
                    runtime.resume()
                if not self._is_coming:
                    return  # not called, but dismissed

    def dismiss(self) -> None:
        """The last socket is gone: tasks that wait for work end."""
        while self._free:
            self._free.pop().set()

    def _leave(self, signal: Signal) -> None:
        """A task that waits is cancelled: it will not come any more."""
        if signal in self._free:
            self._free.remove(signal)
        else:  # it was called meanwhile
            self._call()

    async def _serve(
        self, socket: Socket, scope: trio.CancelScope, streak: int, task: trio.lowlevel.Task
    ) -> int:
        """Handle what waits for a socket; returns how many events were handled since others had their turn."""
        inbox, dispatcher, shared = socket._inbox, self._dispatcher, socket._namespace.handlers.lone
        assert inbox is not None
        socket._tasks = (*socket._tasks, scope)
        socket._running = task
        event: EventReceived | None = None
        try:
            if self._is_concurrent:
                while (event := inbox.borrow()) is not None:
                    socket.nursery.start_soon(dispatcher.handle_counted, socket, event)
                    # Trio runs tasks that are ready at the same time in any order: this lets the handler start before
                    # the next one is ready.
                    await trio.lowlevel.checkpoint()
            while (event := inbox.take()) is not None:
                socket._current = event.name
                handler = shared.get(event.name) if socket._handlers is None else None
                if handler is None:
                    await dispatcher.handle(socket, event)
                else:
                    try:  # what most are; here, because another coroutine around it takes 0.2 µs
                        answer = await handler.call(socket, event.args, NO_ACK)
                        if event.ack_id is not None:
                            dispatcher.acknowledge(socket, event.ack_id, answer)
                    except CONTAINED as error:
                        dispatcher.failed(socket, event, error)
                streak += 1
                if streak >= EVENTS_BETWEEN_CHECKPOINTS:
                    streak = 0
                    await trio.lowlevel.checkpoint()
        finally:
            if event is not None and event.ack_id is not None and self._runtime.is_stopping:
                self._runtime.acks_cut += 1
            socket._is_served = socket._running = False
            if socket._idle is not None:
                socket._became_idle()
            if self._life.release(socket, scope):
                await self._life.farewell(socket)
        return streak
