"""How a socket lives: middlewares, connection handlers, events one after the other, disconnect handlers.

One task for each socket, a child of the server's nursery, goes through all of that. A socket that holds no handler
back and opens no nursery needs no other.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import trio

from trio_socketio.errors import (
    ArgumentsError,
    ConnectRefused,
    Disconnected,
    DisconnectReason,
    LocalProtocolError,
)
from trio_socketio.server._boundary import contain, leaf
from trio_socketio.server._handlers import Ack, Handler
from trio_socketio.socketio import EventReceived

if TYPE_CHECKING:
    from trio_socketio.server._runtime import Runtime
    from trio_socketio.server._socket import Socket

__all__ = ["Dispatcher"]

INTERNAL_ERROR = "Internal server error"

#: A plain function that runs longer than this many seconds is named in the log: it blocks everybody.
SLOW_HANDLER = 0.1

#: Events handled in a row before other tasks get their turn, if no handler waits for anything.
EVENTS_BETWEEN_CHECKPOINTS = 32


class Dispatcher:
    """Runs what the application registered, behind one error boundary."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    # the life of a socket

    async def run(self, socket: Socket) -> None:
        """Go through a socket's whole life."""
        try:
            with socket._scope:
                if await self._admit(socket):
                    await self._serve(socket)
        finally:
            await self._farewell(socket)

    async def _admit(self, socket: Socket) -> bool:
        error: dict[str, Any] | None = None
        for middleware in socket.nsp._middlewares:
            try:
                result = middleware(socket)
                if inspect.isawaitable(result):
                    await result
            except ConnectRefused as refusal:
                error = {"message": refusal.message}
                if refusal.data is not None:
                    error["data"] = refusal.data
                break
            except BaseException as exc:
                contain(exc, lambda failure: self.report(socket, "connection", failure))
                error = {"message": INTERNAL_ERROR}
                break
        if socket._scope.cancel_called:
            return False
        if error is not None:
            self._refuse(socket, error)
            return False
        socket._accept()
        return True

    def _refuse(self, socket: Socket, error: dict[str, Any]) -> None:
        try:
            socket._refuse(error)
        except LocalProtocolError as failure:  # the application's data cannot be encoded
            self.report(socket, "connection", failure)
            socket._refuse({"message": INTERNAL_ERROR})

    async def _serve(self, socket: Socket) -> None:
        handlers = socket.nsp._handlers.get("connection")
        if handlers:
            socket._hold(self._runtime.config.connect_timeout)
            if len(handlers) == 1:
                await self._connection(socket, handlers[0])
            else:
                async with trio.open_nursery() as nursery:
                    for handler in handlers:
                        nursery.start_soon(self._connection, socket, handler)
            socket._in_connection = False
            if socket._ready:
                await trio.sleep_forever()  # the events have a task of their own
        socket.ready()
        await self.work(socket)

    async def _connection(self, socket: Socket, handler: Handler) -> None:
        if handler.spent:
            return
        try:
            result = self._call(socket, "connection", (), handler, Ack(None))
            if handler.is_async:
                await result
        except BaseException as error:
            contain(error, lambda failure: self.task_failed(socket, "connection", failure))

    async def _farewell(self, socket: Socket) -> None:
        connected = socket.id in socket.nsp._sockets
        socket._end(DisconnectReason.SERVER_SHUTTING_DOWN, "")  # if this task was cancelled from outside
        try:
            with trio.CancelScope(shield=True, deadline=self._runtime.grace_deadline()):
                for nursery in (socket._nursery, socket._worker):
                    if nursery is not None and nursery.closed is not None:
                        await nursery.closed.wait()
                if connected:
                    await self._lifecycle(socket, "disconnecting")
                    socket._leave_all()
                    await self._lifecycle(socket, "disconnect")
        finally:
            socket._leave_all()

    async def _lifecycle(self, socket: Socket, event: str) -> None:
        args = (str(socket._reason), socket._description)
        for handler in socket._handlers_of(event):
            if handler.spent:
                continue
            try:
                result = self._call(socket, event, handler.trim(args), handler, Ack(None))
                if handler.is_async:
                    await result
            except BaseException as error:
                contain(error, lambda failure: self.report(socket, event, failure))

    # events

    async def work(self, socket: Socket) -> None:
        """Handle a socket's events as they come, until it is cancelled."""
        concurrent = self._runtime.config.ordering == "concurrent"
        streak = 0
        while True:
            while (event := socket._inbox.take()) is not None:
                if concurrent:
                    socket.nursery.start_soon(self._handle_counted, socket, event)
                else:
                    socket._inbox.done(event)
                    socket._running = True
                    try:
                        await self._handle(socket, event)
                    finally:
                        socket._running = False
                streak += 1
                if streak % EVENTS_BETWEEN_CHECKPOINTS == 0:
                    await trio.lowlevel.checkpoint()
            socket._became_idle()
            await socket._inbox.signal.wait()

    async def _handle_counted(self, socket: Socket, event: EventReceived) -> None:
        try:
            await self._handle(socket, event)
        finally:
            socket._inbox.done(event)
            socket._became_idle()

    async def _handle(self, socket: Socket, event: EventReceived) -> None:
        handlers = socket._handlers_of(event.name)
        ack = socket._ack_for(event)
        if not handlers:
            await self._unclaimed(socket, event, ack)
            return
        answers: list[Any] = []
        for handler in handlers:
            if handler.spent:
                continue
            try:
                result = self._call(socket, event.name, event.args, handler, ack)
                if handler.is_async:
                    result = await result
                answers.append(result)
            except BaseException as error:
                contain(error, lambda failure: self._handler_failed(socket, event, ack, failure))
        self._answer(socket, event, handlers, ack, answers)

    def run_inline(self, socket: Socket, event: EventReceived, handlers: Sequence[Handler]) -> None:
        """Handle an event now, without a task switch: its handlers are plain functions and nothing waits."""
        ack = socket._ack_for(event)
        answers: list[Any] = []
        socket._running = True
        try:
            for handler in handlers:
                if handler.spent:
                    continue
                try:
                    answers.append(self._call(socket, event.name, event.args, handler, ack))
                except BaseException as error:
                    contain(error, lambda failure: self._handler_failed(socket, event, ack, failure))
        finally:
            socket._running = False
        self._answer(socket, event, handlers, ack, answers)

    def _call(
        self, socket: Socket, event: str | float, args: Sequence[Any], handler: Handler, ack: Ack
    ) -> Any:
        if handler.once:
            handler.spent = True
            table = socket.nsp._handlers if handler.takes_socket else socket._table()
            table.remove(event, lambda item: item is handler)
        if handler.is_async:
            return handler.call(socket, args, ack)
        started = time.perf_counter()
        try:
            return handler.call(socket, args, ack)
        finally:
            took = time.perf_counter() - started
            if took > SLOW_HANDLER:
                self._runtime.log.warning(
                    "handler %s blocked the server for %.0f ms: a plain def must not block",
                    handler.name,
                    took * 1000,
                )

    def _answer(
        self,
        socket: Socket,
        event: EventReceived,
        handlers: Sequence[Handler],
        ack: Ack,
        answers: Sequence[Any],
    ) -> None:
        if not ack.wanted or any(handler.wants_ack for handler in handlers):
            return
        answer = next((value for value in answers if value is not None), None)
        try:
            ack(*(answer if isinstance(answer, tuple) else () if answer is None else (answer,)))
        except Exception as error:  # it cannot be encoded
            self._handler_failed(socket, event, ack, error)

    async def _unclaimed(self, socket: Socket, event: EventReceived, ack: Ack) -> None:
        if not await socket._give(event, ack):
            socket.dropped += 1
            self._runtime.log.debug("no handler for event %.50r in %s", event.name, socket.nsp.name)

    # failures

    def _handler_failed(self, socket: Socket, event: EventReceived, ack: Ack, error: Exception) -> None:
        text = str(error) if isinstance(error, ArgumentsError) else INTERNAL_ERROR
        if ack.wanted:
            ack({"error": text})
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
