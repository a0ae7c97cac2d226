"""One session of an Engine.IO server that serves by itself: its messages, and its tasks."""

from __future__ import annotations

import math
import weakref
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import trio

from trio_socketio._core import track, untrack
from trio_socketio.engineio import Session
from trio_socketio.errors import DisconnectReason
from trio_socketio.handlers import (
    CONTAINED,
    NO_ACK,
    Handler,
    HandlerFunction,
    SocketNursery,
    contain,
    without_disconnected,
)
from trio_socketio.server._engine_handlers import MessageHandlers
from trio_socketio.server._engine_runtime import SLOW_HANDLER
from trio_socketio.server._engine_socket import EngineSocket, MessageIterator
from trio_socketio.server._held import HELD_SECONDS, log_held
from trio_socketio.server._inbox import Inbox
from trio_socketio.server._session_client import SessionClient
from trio_socketio.server._tasks import Tasks

if TYPE_CHECKING:
    from trio_socketio.server._engine_server import MessageRuntime

__all__ = ["EngineClient", "EngineLife"]

#: Messages handled or given out in a row before other tasks get their turn, if nothing waits for anything.
MESSAGES_BETWEEN_CHECKPOINTS = 32


#: What to do instead of returning False from a connection handler.
NOT_REFUSED = "raise Forbidden in allow_request, or close the socket"


class Received(NamedTuple):
    """A message that waits, and its size in bytes."""

    data: str | bytes
    size: int


class EngineClient(SessionClient):
    """The observer of one session.

    Attributes:
        socket: what applications see.
        dropped: how many messages nobody took.
    """

    __slots__ = (
        "_description", "_holding", "_idle", "_inbox", "_is_ready", "_iterator", "_nursery", "_reason",
        "_running", "_streak", "_table", "_takers", "_tasks", "dropped", "runtime", "socket",
    )  # fmt: skip

    def __init__(self, runtime: MessageRuntime, session: Session) -> None:
        super().__init__(session)
        self.runtime: MessageRuntime = runtime
        self.socket = self.engine_socket = EngineSocket(self)
        self._table: MessageHandlers | None = None
        self.dropped = 0
        # its life
        self._reason: DisconnectReason | None = None
        self._description = ""
        self._tasks: tuple[trio.CancelScope, ...] = ()
        self._nursery: SocketNursery | None = None
        # its messages
        self._inbox: Inbox[Received] | None = None
        #: how many connection handlers run that messages are held for
        self._holding = 0
        self._is_ready = False
        self._running = False
        self._streak = 0
        self._idle: trio.Event | None = None
        self._iterator: weakref.ref[MessageIterator] | None = None
        #: who iterates and waits
        self._takers: trio.lowlevel.ParkingLot | None = None
        untrack(self, self.socket)

    @property
    def connected(self) -> bool:
        """Whether messages can be sent."""
        return self.session.is_open

    @property
    def _has_ended(self) -> bool:
        return self._reason is not None

    # the session's observer

    def opened(self, now: float) -> None:
        """Begin with the connection handlers."""
        waiting: list[Handler] = []
        for handler in self._handlers_of("connection"):
            if not self.connected:
                break
            if handler.is_async:
                waiting.append(handler)
            else:
                self._call("connection", handler)
        if waiting and self.connected:
            self._holding = len(waiting)
            self.start(partial(self._connect_all, waiting), name="socket of an engine")
        if not self._holding:
            self.ready()
        elif self.connected and not self._is_ready:
            deadline = self.runtime.holding[self] = now + self.runtime.config.hold_timeout
            self.session.set_alarm(deadline)

    async def _connect_all(self, handlers: list[Handler]) -> None:
        if len(handlers) == 1:
            await self._connect(handlers[0])
            return
        async with trio.open_nursery() as nursery:
            for handler in handlers:  # they start in the order of registration
                nursery.start_soon(self._connect, handler)
                await trio.lowlevel.checkpoint()

    async def _connect(self, handler: Handler) -> None:
        try:
            if await handler.call(self.socket, [], NO_ACK) is False:
                self.runtime.returned_false(handler.function, NOT_REFUSED)
        except CONTAINED as error:
            self.failed("connection", error)
        self._holding -= 1
        if not self._holding:
            self.ready()

    def text(self, data: bytes, now: float) -> None:
        """Take a text message."""
        self._receive(data.decode("utf-8", "surrogatepass"), len(data))

    def binary(self, data: bytes, now: float) -> None:
        """Take a binary message."""
        self._receive(data, len(data))

    def alarm(self, now: float) -> None:
        """The connection handlers have held messages back for long enough, or so long that the log names them."""
        deadline = self.runtime.holding.get(self, now)
        if now >= deadline:
            self.ready()
            return
        names = [handler.name for handler in self._handlers_of("connection") if handler.is_async]
        log_held(self.runtime.log, self.runtime.known_holding, names)
        self.session.set_alarm(deadline)

    def _holders(self) -> Iterable[str]:
        handlers = self._handlers_of("message" if self._is_ready else "connection")
        return [handler.name for handler in handlers] or ["an iteration over messages"]

    def upgraded(self) -> None:
        """Tell those who listen."""
        self.socket._tell("upgrade")

    def closed(self, reason: DisconnectReason, description: str) -> None:
        """The session has ended, and so do its tasks."""
        self._reason, self._description = reason, description
        self.writable()
        if self._takers is not None:
            self._takers.unpark_all()
        self._became_idle()
        if self._nursery is not None:
            self._nursery.close()
        self.runtime.clients.pop(self, None)
        self.runtime.holding.pop(self, None)
        track(self, self.socket)
        self.runtime.life.end(self)

    # messages

    def _handlers_of(self, event: str) -> tuple[Handler, ...]:
        shared = self.runtime.server._handlers.get(event)
        return shared if self._table is None else (*shared, *self._table.get(event))

    def listen(self, event: str, function: HandlerFunction) -> None:
        """Register a handler for this socket alone."""
        if self._table is None:
            self._table = MessageHandlers(takes_socket=False)
        self._table.add(event, function, once=False)
        self.deliver()

    def _receive(self, data: str | bytes, size: int) -> None:
        if self._is_ready and not self._running and (self._inbox is None or not self._inbox.count):
            handlers = self._handlers_of("message")
            if handlers and not any(handler.is_async for handler in handlers):
                self._run_inline(handlers, data)
                return
        if self._inbox is None:
            self._inbox = Inbox(self)
        self._inbox.put(Received(data, size))
        if self._inbox.count == 1 and self in self.runtime.holding:
            self.session.set_alarm(min(self.runtime.holding[self], trio.current_time() + HELD_SECONDS))
        self.deliver()

    def _run_inline(self, handlers: tuple[Handler, ...], data: str | bytes) -> None:
        self._running = True
        try:
            for handler in handlers:
                if self.connected:
                    self._call("message", handler, data)
        finally:
            self._running = False

    def ready(self) -> None:
        """Let messages through that are held back while the connection handlers run."""
        if not self._is_ready and self.connected:
            self._is_ready = True
            if self.runtime.holding.pop(self, None) is not None:
                self.session.set_alarm(math.inf)
            self.deliver()

    def deliver(self) -> None:
        """Messages wait, or who takes them has changed: handlers, an iteration, or nobody."""
        inbox = self._inbox
        if inbox is None or not inbox.has_waiting or self._has_ended:
            return
        if self._handlers_of("message"):
            if self._is_ready and not self._running:
                self._running = True
                self.start(self._handle, name="messages of an engine's socket")
        elif self._iterator is not None:
            if self._takers is not None:
                self._takers.unpark()
        elif self._is_ready:
            while inbox.take() is not None:
                self.dropped += 1
            self._became_idle()

    async def _handle(self) -> None:
        """Handle what waits, one after the other."""
        inbox = self._inbox
        assert inbox is not None
        try:
            while (message := inbox.take()) is not None:
                for handler in self._handlers_of("message"):
                    if not self.connected:
                        return
                    if handler.is_async:
                        try:
                            await handler.call(self.socket, [message.data], NO_ACK)
                        except CONTAINED as error:
                            self.failed("message", error)
                    else:
                        self._call("message", handler, message.data)
                await self._let_others_run()
        finally:
            self._running = False
            self._became_idle()

    async def _let_others_run(self) -> None:
        self._streak += 1
        if self._streak >= MESSAGES_BETWEEN_CHECKPOINTS:
            self._streak = 0
            await trio.lowlevel.cancel_shielded_checkpoint()

    # the iteration

    def iterate(self) -> MessageIterator:
        """An iterator over the messages that no handler takes; all that are used at a time are the same one."""
        iterator = self._iterator() if self._iterator is not None else None
        if iterator is None:
            iterator = MessageIterator(self)
            self._iterator = weakref.ref(iterator)
        self.ready()
        return iterator

    def iterated(self) -> None:
        """Nobody iterates any more: nobody may take what waits."""
        self._iterator = None
        self.deliver()

    async def next_message(self) -> str | bytes | None:
        """Wait for a message; None: there will be no more."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while True:
            message = None
            if self._inbox is not None and not self._handlers_of("message"):
                message = self._inbox.take()
            if message is not None:
                await self._let_others_run()
                return message.data
            if self._has_ended:
                return None
            self._became_idle()
            if self._takers is None:
                self._takers = trio.lowlevel.ParkingLot()
            await self._takers.park()

    # calling the application

    def _call(self, event: str, handler: Handler, *args: object) -> None:
        """Call a handler that is a plain function."""
        try:
            result = handler.call_apart(self.socket, [*args], NO_ACK, SLOW_HANDLER, self.runtime.was_slow)
            if result is False and event == "connection":
                self.runtime.returned_false(handler.function, NOT_REFUSED)
        except CONTAINED as error:
            self.failed(event, error)

    def failed(self, event: str, error: BaseException) -> None:
        """An error of the application ends this socket, and no other."""
        contain(error, partial(self._report, event))

    def _report(self, event: str, error: Exception) -> None:
        ended_with_client = event != "close" and not self.connected
        failure = without_disconnected(error) if ended_with_client else error
        if failure is None:
            self.runtime.log.debug("handler of %r ended with its client", event)
            return
        self.runtime.log.error("handler of %r failed: the socket is closed", event, exc_info=failure)
        self.session.close(
            DisconnectReason.FORCED_SERVER_CLOSE, "a handler failed", now=trio.current_time(), code=1011
        )

    # tasks

    def start(
        self,
        function: Callable[[], Awaitable[None]],
        scope: trio.CancelScope | None = None,
        *,
        name: object = "nursery of an engine's socket",
    ) -> None:
        """Start a task that is cancelled when the session ends."""
        self.runtime.life.start(self, function, scope, name=name)

    @property
    def nursery(self) -> SocketNursery:
        """Of the application's tasks."""
        if self._nursery is None:
            self._nursery = SocketNursery(self.start, partial(self.failed, "nursery"))
            if self._has_ended:
                self._nursery.close()
        return self._nursery

    async def finish(self) -> None:
        """Wait until what has come is handled and all that was sent is written, or it has ended."""
        while self.connected and (self._running or (self._inbox is not None and self._inbox.count)):
            if self._idle is None:
                self._idle = trio.Event()
            await self._idle.wait()
        await self.flush()

    def _became_idle(self) -> None:
        if self._idle is not None:
            self._idle.set()
            self._idle = None

    def vanish(self) -> None:
        """All is over: keep nothing that refers to this."""
        self.socket._listeners.clear()
        self._table = self._nursery = self.engine_socket = None
        del self.socket


class EngineLife(Tasks[EngineClient]):
    """Starts and ends the tasks of an engine's sockets."""

    def _is_missed(self, client: EngineClient) -> bool:
        return bool(client._handlers_of("close"))

    async def farewell(self, client: EngineClient) -> None:
        """Run the handlers for ``close``."""
        try:
            with self._runtime.disconnecting():
                for handler in client._handlers_of("close"):
                    args = handler.trim([str(client._reason), client._description])
                    if handler.is_async:
                        try:
                            await handler.call(client.socket, args, NO_ACK)
                        except CONTAINED as error:
                            client.failed("close", error)
                    else:
                        client._call("close", handler, *args)
        finally:
            self._forget(client)

    def _forget(self, client: EngineClient) -> None:
        client.vanish()
