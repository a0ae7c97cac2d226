"""How a socket's events are handled: one after the other, behind one error boundary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import trio

from trio_socketio.errors import ArgumentsError, Disconnected
from trio_socketio.server._boundary import contain, leaf
from trio_socketio.server._handlers import NO_ACK, Ack, Handler
from trio_socketio.socketio import EventReceived

if TYPE_CHECKING:
    from trio_socketio.server._runtime import Runtime
    from trio_socketio.server._socket import Socket

__all__ = ["INTERNAL_ERROR", "Dispatcher"]

INTERNAL_ERROR = "Internal server error"

#: A plain function that runs longer than this many seconds is named in the log: it blocks everybody.
SLOW_HANDLER = 0.1

#: Events handled in a row before other tasks get their turn, if no handler waits for anything.
EVENTS_BETWEEN_CHECKPOINTS = 32


def _ack(socket: Socket, event: EventReceived) -> Ack:
    return NO_ACK if event.ack_id is None else Ack(socket, event.ack_id)


def _values(answer: Any) -> tuple[Any, ...]:
    """What a handler returned, as the values of an acknowledgement."""
    if answer is None:
        return ()
    return answer if isinstance(answer, tuple) else (answer,)


class Dispatcher:
    """Runs what the application registered."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    # events

    async def work(self, socket: Socket) -> None:
        """Handle a socket's events as they come, until it is cancelled."""
        signal, inbox = socket._worker, socket._inbox
        assert signal is not None
        assert inbox is not None
        streak = 0
        try:
            while True:
                if self._runtime.config.ordering == "concurrent":
                    while (event := inbox.borrow()) is not None:
                        socket.nursery.start_soon(self._handle_counted, socket, event)
                while (event := inbox.take()) is not None:
                    socket._running = True
                    handlers = socket._handlers_of(event.name)
                    if len(handlers) == 1 and handlers[0].is_simple and handlers[0].is_async:
                        try:  # what most are; here, because another coroutine around it takes 0.2 µs
                            answer = await handlers[0].call(socket, event.args, NO_ACK)
                            if event.ack_id is not None:
                                socket._acknowledge(event.ack_id, _values(answer))
                        except BaseException as error:
                            self._contain(socket, event, _ack(socket, event), error)
                    else:
                        await self._handle(socket, event, handlers)
                    socket._running = False
                    streak += 1
                    if streak % EVENTS_BETWEEN_CHECKPOINTS == 0:
                        await trio.lowlevel.checkpoint()
                socket._became_idle()
                await signal.wait()
        finally:
            socket._worker = None
            socket._running = False

    async def _handle_counted(self, socket: Socket, event: EventReceived) -> None:
        inbox = socket._inbox
        assert inbox is not None
        try:
            await self._handle(socket, event, socket._handlers_of(event.name))
        finally:
            inbox.done(event)
            socket._became_idle()

    async def _handle(self, socket: Socket, event: EventReceived, handlers: Sequence[Handler]) -> None:
        ack = _ack(socket, event)
        if not handlers:
            await self._unclaimed(socket, event, ack)
            return
        answer = None
        for handler in handlers:
            if handler.once and not self.claim(socket, event.name, handler):
                continue
            try:
                if handler.is_async:
                    result = await handler.call(socket, event.args, ack)
                else:
                    result = self.call_plain(socket, event.args, handler, ack)
                if answer is None:
                    answer = result
            except BaseException as error:
                self._contain(socket, event, ack, error)
        if ack is not NO_ACK:
            self._answer(socket, event, handlers, ack, answer)

    def run_inline(self, socket: Socket, event: EventReceived, handlers: Sequence[Handler]) -> None:
        """Handle an event now, without a task switch: its handlers are plain functions and nothing waits."""
        socket._running = True
        try:
            if len(handlers) == 1 and handlers[0].is_simple:
                try:
                    answer = handlers[0].call_timed(socket, event.args, NO_ACK, SLOW_HANDLER, self._was_slow)
                    if event.ack_id is not None:
                        socket._acknowledge(event.ack_id, _values(answer))
                except BaseException as error:
                    self._contain(socket, event, _ack(socket, event), error)
            else:
                self._run_all(socket, event, handlers)
        finally:
            socket._running = False

    def _run_all(self, socket: Socket, event: EventReceived, handlers: Sequence[Handler]) -> None:
        ack = _ack(socket, event)
        answer = None
        for handler in handlers:
            if handler.once and not self.claim(socket, event.name, handler):
                continue
            try:
                result = self.call_plain(socket, event.args, handler, ack)
                if answer is None:
                    answer = result
            except BaseException as error:
                self._contain(socket, event, ack, error)
        if ack is not NO_ACK:
            self._answer(socket, event, handlers, ack, answer)

    def claim(self, socket: Socket, event: str | float, handler: Handler) -> bool:
        """Whether a handler that was registered with ``once`` is still to be called; it is not any more."""
        if handler.spent:
            return False
        handler.spent = True
        table = socket.nsp._handlers if handler.takes_socket else socket._table()
        table.remove(event, lambda item: item is handler)
        return True

    def call_plain(self, socket: Socket, args: Sequence[Any], handler: Handler, ack: Ack) -> Any:
        """Call a handler that is a plain function; one that is slow is named in the log."""
        return handler.call_timed(socket, args, ack, SLOW_HANDLER, self._was_slow)

    def _was_slow(self, handler: Handler, seconds: float) -> None:
        self._runtime.log.warning(
            "handler %s blocked the server for %.0f ms: a plain def must not block",
            handler.name,
            seconds * 1000,
        )

    def _answer(
        self, socket: Socket, event: EventReceived, handlers: Sequence[Handler], ack: Ack, answer: Any
    ) -> None:
        """Acknowledge with the first value that a handler returned, unless one of them answers by itself."""
        for handler in handlers:
            if handler.wants_ack:
                return
        try:
            ack(*_values(answer))
        except Exception as error:  # it cannot be encoded
            self._handler_failed(socket, event, ack, error)

    async def _unclaimed(self, socket: Socket, event: EventReceived, ack: Ack) -> None:
        if not await socket._give(event, ack):
            socket.dropped += 1
            self._runtime.log.debug("no handler for event %.50r in %s", event.name, socket.nsp.name)

    # failures

    def _contain(self, socket: Socket, event: EventReceived, ack: Ack, error: BaseException) -> None:
        contain(error, lambda failure: self._handler_failed(socket, event, ack, failure))

    def _handler_failed(self, socket: Socket, event: EventReceived, ack: Ack, error: Exception) -> None:
        ack({"error": str(error) if isinstance(error, ArgumentsError) else INTERNAL_ERROR})
        self.report(socket, event.name, error)

    def report(self, socket: Socket, event: str | float, error: Exception) -> None:
        """Log an application's error, and show it to ``on_error``; that its client has gone is none."""
        runtime = self._runtime
        if isinstance(error, Disconnected) and not socket.connected:
            runtime.log.debug("handler of %.50r in %s ended with its client", event, socket.nsp.name)
            return
        if isinstance(error, ArgumentsError):
            runtime.log.info("event %.50r in %s refused: %.200s", event, socket.nsp.name, error)
        else:
            runtime.log.error("handler of %.50r in %s failed", event, socket.nsp.name, exc_info=error)
        for hook in runtime.server._error_hooks:
            try:
                hook(socket, event, error)
            except Exception:
                runtime.log.exception("an on_error hook failed")

    def task_failed(self, socket: Socket, event: str, error: BaseException) -> None:
        """An error that ends the socket: of its connection handler, or of a task in its nursery."""
        failure = leaf(error)
        assert isinstance(failure, Exception)
        self.report(socket, event, failure)
        socket.disconnect()
