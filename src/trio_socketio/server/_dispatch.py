"""Call the handlers of a socket's events, answer the client, and report failures."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from trio_socketio.errors import ArgumentsError
from trio_socketio.handlers import (
    INTERNAL_ERROR,
    NO_ACK,
    Ack,
    Handler,
    claim,
    contain,
    invoke,
    invoke_plain,
    leaf,
    remedy,
    values_of,
    without_disconnected,
)
from trio_socketio.server._base_socket import BaseSocket
from trio_socketio.socketio import EventReceived

__all__ = ["Dispatcher"]


def _ack(socket: BaseSocket, event: EventReceived) -> Ack:
    return NO_ACK if event.ack_id is None else Ack(socket.send_ack, event.ack_id)


class Dispatcher:
    """Calls the handlers of events.

    Args:
        log: the server's logger.
        call_error_hooks: passes an application's error to the ``on_error`` hooks.
    """

    def __init__(
        self, log: logging.Logger, call_error_hooks: Callable[[BaseSocket, str | float, Exception], None]
    ) -> None:
        self._log = log
        self._call_error_hooks = call_error_hooks

    # events

    async def handle(self, socket: BaseSocket, event: EventReceived) -> None:
        """Call the handlers of an event, one after the other, and acknowledge the event."""
        table, public = socket.mailbox.table, socket.socket
        for handler in table.any:
            args = handler.trim([event.name, *event.args])
            await invoke(handler, public, args, partial(self._failed, socket, event, NO_ACK))
        handlers, ack = table.sent(event.name), _ack(socket, event)
        if not handlers:
            await self._unclaimed(socket, event, ack)
            return
        answer, failed = None, partial(self._failed, socket, event, ack)
        for handler in handlers:
            if claim(table, event.name, handler):
                result = await invoke(handler, public, event.args, failed, ack)
                answer = result if answer is None else answer
        self._answer(socket, event, handlers, ack, answer)

    def handle_inline(self, socket: BaseSocket, event: EventReceived, handlers: Sequence[Handler]) -> None:
        """Like ``handle``, if all handlers are plain functions and no ``on_any`` handler is registered."""
        table, public, ack = socket.mailbox.table, socket.socket, _ack(socket, event)
        answer, failed = None, partial(self._failed, socket, event, ack)
        for handler in handlers:
            if claim(table, event.name, handler):
                result = invoke_plain(handler, public, event.args, failed, ack)
                answer = result if answer is None else answer
        self._answer(socket, event, handlers, ack, answer)

    def _answer(
        self, socket: BaseSocket, event: EventReceived, handlers: Sequence[Handler], ack: Ack, answer: Any
    ) -> None:
        """Acknowledge with the first value that a handler returned, unless a handler takes the ``Ack`` itself."""
        if ack is NO_ACK or any(handler.wants_ack for handler in handlers):
            return
        try:
            ack(*values_of(answer))
        except Exception as error:  # the answer cannot be encoded
            self._handler_failed(socket, event, ack, error)

    async def _unclaimed(self, socket: BaseSocket, event: EventReceived, ack: Ack) -> None:
        """Give an event without handlers to the iteration, or drop it if there is no iteration."""
        iteration = socket.mailbox.iteration
        if iteration is None or not await iteration.give(event, ack):
            socket.dropped += 1
            self._log.debug("no handler for event %.50r in %s", event.name, socket.namespace.name)

    # failures

    def failed(self, socket: BaseSocket, event: EventReceived, error: BaseException) -> None:
        """Answer the client and report the error, after a handler has raised. ``Cancelled`` is raised again."""
        self._failed(socket, event, _ack(socket, event), error)

    def _failed(self, socket: BaseSocket, event: EventReceived, ack: Ack, error: BaseException) -> None:
        contain(error, partial(self._handler_failed, socket, event, ack))

    def _handler_failed(self, socket: BaseSocket, event: EventReceived, ack: Ack, error: Exception) -> None:
        ack({"error": str(error) if isinstance(error, ArgumentsError) else INTERNAL_ERROR})
        self._report_unless_gone(socket, event.name, error)

    def _report_unless_gone(self, socket: BaseSocket, event: str | float, error: Exception) -> None:
        """Report an error, except for ``Disconnected`` after the socket has ended, which is expected."""
        failure = without_disconnected(error) if socket.has_ended else error
        if failure is None:
            self._log.debug(
                "handler of %.50r in %s ended with Disconnected after its client had disconnected",
                event,
                socket.namespace.name,
            )
        else:
            self.report(socket, event, failure)

    def report(self, socket: BaseSocket, event: str | float, error: Exception) -> None:
        """Log an application's error, and call the ``on_error`` hooks with it."""
        if isinstance(error, ArgumentsError):
            self._log.info("event %.50r in %s refused: %.200s", event, socket.namespace.name, error)
        else:
            name = socket.namespace.name
            self._log.error("handler of %.50r in %s failed%s", event, name, remedy(error), exc_info=error)
        self._call_error_hooks(socket, event, error)

    def task_failed(self, socket: BaseSocket, event: str, error: BaseException) -> None:
        """Report an error of a connection handler or of a task in the socket's nursery, and disconnect the socket."""
        failure = leaf(error)
        assert isinstance(failure, Exception)
        self._report_unless_gone(socket, event, failure)
        socket.disconnect()
