"""How a socket's events are handled: one after the other, behind one error boundary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from trio_socketio.errors import ArgumentsError
from trio_socketio.handlers import CONTAINED, NO_ACK, Ack, Handler, contain, leaf, without_disconnected
from trio_socketio.handlers._invoke import SLOW_HANDLER, was_slow
from trio_socketio.socketio import EventReceived

if TYPE_CHECKING:
    from trio_socketio.server._runtime import Runtime
    from trio_socketio.server._socket import Socket

__all__ = ["INTERNAL_ERROR", "Dispatcher"]

INTERNAL_ERROR = "Internal server error"


def _ack(socket: Socket, event: EventReceived) -> Ack:
    return NO_ACK if event.ack_id is None else Ack(socket._acknowledge, event.ack_id)


def _values(answer: Any) -> tuple[Any, ...]:
    """What a handler returned, as the values of an acknowledgement; a subclass of tuple is one value."""
    if answer is None:
        return ()
    return answer if type(answer) is tuple else (answer,)


class Dispatcher:
    """Runs what the application registered."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    # events

    async def handle_counted(self, socket: Socket, event: EventReceived) -> None:
        """Handle an event that was borrowed from the inbox."""
        inbox = socket._inbox
        assert inbox is not None
        socket._current = event.name
        is_cut = event.ack_id is not None
        try:
            await self.handle(socket, event)
            is_cut = False
        finally:
            if is_cut and self._runtime.is_stopping:
                self._runtime.acks_cut += 1
            inbox.done(event)
            socket._became_idle()

    async def handle(self, socket: Socket, event: EventReceived) -> None:
        """Run the handlers of an event, one after the other, and answer it."""
        for handler in socket._any_handlers():
            await self._tell(socket, event, handler)
        handlers, ack = socket._handlers_of(event.name), _ack(socket, event)
        if not handlers:
            await self._unclaimed(socket, event, ack)
            return
        answer = None
        for handler in self._due(socket, event, handlers):
            try:
                result = self.call_plain(socket, event.args, handler, ack)
                if handler.is_async:
                    result = await result
            except CONTAINED as error:
                self._contain(socket, event, ack, error)
            else:
                answer = result if answer is None else answer
        self._answer(socket, event, handlers, ack, answer)

    async def _tell(self, socket: Socket, event: EventReceived, handler: Handler) -> None:
        """Let one hear of an event who hears of all."""
        try:
            heard = self.call_plain(socket, handler.trim([event.name, *event.args]), handler, NO_ACK)
            if handler.is_async:
                await heard
        except BaseException as error:
            self._contain(socket, event, NO_ACK, error)

    def run_inline(self, socket: Socket, event: EventReceived, handlers: Sequence[Handler]) -> None:
        """Handle an event now, without a task switch: its handlers are plain functions and nothing waits."""
        socket._running = True
        try:
            if len(handlers) == 1 and handlers[0].is_simple:
                try:
                    answer = handlers[0].call_apart(socket, event.args, NO_ACK, SLOW_HANDLER, was_slow)
                    if event.ack_id is not None:
                        self.acknowledge(socket, event.ack_id, answer)
                except CONTAINED as error:
                    self.failed(socket, event, error)
            else:
                ack = _ack(socket, event)
                answers = [
                    self._run(socket, event, handler, ack) for handler in self._due(socket, event, handlers)
                ]
                answer = next((answer for answer in answers if answer is not None), None)
                self._answer(socket, event, handlers, ack, answer)
        finally:
            socket._running = False

    def _run(self, socket: Socket, event: EventReceived, handler: Handler, ack: Ack) -> Any:
        try:
            return self.call_plain(socket, event.args, handler, ack)
        except CONTAINED as error:
            self._contain(socket, event, ack, error)

    def _due(self, socket: Socket, event: EventReceived, handlers: Sequence[Handler]) -> Iterator[Handler]:
        """Of the handlers those that are to be called: one registered with ``once`` may have been meanwhile."""
        return (
            handler for handler in handlers if not handler.once or self.claim(socket, event.name, handler)
        )

    def claim(self, socket: Socket, event: str | float, handler: Handler) -> bool:
        """Whether a handler that was registered with ``once`` is still to be called; it is not any more."""
        if handler.spent:
            return False
        handler.spent = True
        table = socket._namespace.handlers if handler.takes_socket else socket._table()
        table.remove(event, lambda item: item is handler)
        return True

    def call_plain(self, socket: Socket, args: Sequence[Any], handler: Handler, ack: Ack) -> Any:
        """Call a handler that is a plain function; one that is slow is named in the log."""
        return handler.call_apart(socket, args, ack, SLOW_HANDLER, was_slow)

    def _answer(
        self, socket: Socket, event: EventReceived, handlers: Sequence[Handler], ack: Ack, answer: Any
    ) -> None:
        """Acknowledge with the first value that a handler returned, unless one of them answers by itself."""
        if ack is NO_ACK or any(handler.wants_ack for handler in handlers):
            return
        try:
            ack(*_values(answer))
        except Exception as error:  # it cannot be encoded
            self._handler_failed(socket, event, ack, error)

    async def _unclaimed(self, socket: Socket, event: EventReceived, ack: Ack) -> None:
        if not await socket._give(event, ack):
            socket.dropped += 1
            self._runtime.log.debug("no handler for event %.50r in %s", event.name, socket.nsp.name)

    @staticmethod
    def acknowledge(socket: Socket, ack_id: int, answer: Any) -> None:
        """Acknowledge with what a handler returned."""
        socket._acknowledge(ack_id, _values(answer))

    # failures

    def failed(self, socket: Socket, event: EventReceived, error: BaseException) -> None:
        """A handler has raised an exception: the client and the application hear of it, unless it is ``Cancelled``."""
        self._contain(socket, event, _ack(socket, event), error)

    def _contain(self, socket: Socket, event: EventReceived, ack: Ack, error: BaseException) -> None:
        contain(error, lambda failure: self._handler_failed(socket, event, ack, failure))

    def _handler_failed(self, socket: Socket, event: EventReceived, ack: Ack, error: Exception) -> None:
        ack({"error": str(error) if isinstance(error, ArgumentsError) else INTERNAL_ERROR})
        self._report_unless_gone(socket, event.name, error)

    def _report_unless_gone(self, socket: Socket, event: str | float, error: Exception) -> None:
        """The same for what ends with its client: that the client has gone is no error there."""
        failure = without_disconnected(error) if socket._has_ended else error
        if failure is None:
            self._runtime.log.debug("handler of %.50r in %s ended with its client", event, socket.nsp.name)
        else:
            self.report(socket, event, failure)

    def report(self, socket: Socket, event: str | float, error: Exception) -> None:
        """Log an application's error, and show it to ``on_error``."""
        runtime = self._runtime
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
        self._report_unless_gone(socket, event, failure)
        socket.disconnect()
