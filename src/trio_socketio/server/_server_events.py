"""Events that the servers of a cluster send to each other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from trio_socketio.handlers import (
    INTERNAL_ERROR,
    NO_ACK,
    Ack,
    Handler,
    HandlerTable,
    claim,
    contain,
    invoke,
    invoke_plain,
    values_of,
)
from trio_socketio.serving import BaseRuntime

__all__ = ["ServerEvents"]

#: How many events of other servers are handled at the same time in one namespace.
MOST_AT_ONCE = 1000


class ServerEvents:
    """The handlers for events of other servers to one namespace.

    Events whose handlers are all plain functions are handled at once, the others each in a task.

    Args:
        name: the name of the namespace.
        log: the server's logger.

    Attributes:
        table: the handlers. They take the event's arguments, and no socket.
    """

    def __init__(self, name: str, log: logging.Logger) -> None:
        self.table = HandlerTable(takes_socket=False)
        self._name, self._log = name, log
        self._running = 0

    def take(
        self, runtime: BaseRuntime, event: str, args: list[Any], respond: Callable[[Any], None] | None
    ) -> bool:
        """Call the handlers of an event; see ``NamespaceHost.server_event``."""
        handlers = self.table.get(event)
        ack = NO_ACK if respond is None else Ack(lambda _, values: respond(_one_value(values)))
        if not any(handler.is_async for handler in handlers):
            self._handle_inline(event, args, handlers, ack)
        elif self._running >= MOST_AT_ONCE:
            return False
        else:
            self._running += 1
            runtime.spawn(self._handle, event, args, handlers, ack, name=f"server event in {self._name}")
        return True

    def _handle_inline(self, event: str, args: list[Any], handlers: Sequence[Handler], ack: Ack) -> None:
        answer, failed = None, partial(self._failed, event, ack)
        for handler in handlers:
            if claim(self.table, event, handler):
                result = invoke_plain(handler, None, args, failed, ack)
                answer = result if answer is None else answer
        self._answer(event, handlers, ack, answer)

    async def _handle(self, event: str, args: list[Any], handlers: Sequence[Handler], ack: Ack) -> None:
        try:
            answer, failed = None, partial(self._failed, event, ack)
            for handler in handlers:
                if claim(self.table, event, handler):
                    result = await invoke(handler, None, args, failed, ack)
                    answer = result if answer is None else answer
            self._answer(event, handlers, ack, answer)
        finally:
            self._running -= 1

    def _answer(self, event: str, handlers: Sequence[Handler], ack: Ack, answer: Any) -> None:
        """Answer with the first value of a handler. As in Node, an event without handlers is not answered."""
        if not handlers or any(handler.wants_ack for handler in handlers):
            return
        try:
            ack(*values_of(answer))
        except Exception as error:  # the answer cannot be encoded, or is too large
            self._report(event, ack, error)

    def _failed(self, event: str, ack: Ack, error: BaseException) -> None:
        contain(error, partial(self._report, event, ack))

    def _report(self, event: str, ack: Ack, error: Exception) -> None:
        self._log.error("on_server handler of %.50r in %s failed", event, self._name, exc_info=error)
        ack({"error": INTERNAL_ERROR})


def _one_value(values: tuple[Any, ...]) -> Any:
    """Return the value of an acknowledgement between servers, which has exactly one: several become a list."""
    return list(values) if len(values) > 1 else values[0] if values else None
