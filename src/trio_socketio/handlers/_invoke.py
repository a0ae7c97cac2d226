"""Calls handlers inside the error boundary."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from trio_socketio._passing import PASSING
from trio_socketio.handlers._ack import NO_ACK, Ack
from trio_socketio.handlers._handler import Handler

__all__ = ["SLOW_HANDLER", "invoke", "invoke_plain", "was_slow"]

#: A plain function that runs longer than this many seconds is logged, because it blocks the whole server.
SLOW_HANDLER = 0.1

LOG = logging.getLogger("trio_socketio.socket")

#: Called with the exception of a handler. Raises it again if it is not an error of the application.
Failed = Callable[[BaseException], None]


def was_slow(handler: Handler, seconds: float) -> None:
    """Log that a plain function ran longer than ``SLOW_HANDLER``."""
    LOG.warning(
        "handler %s blocked the server for %.0f ms: a plain def must not block", handler.name, seconds * 1000
    )


def invoke_plain(
    handler: Handler, socket: object, args: Sequence[Any], failed: Failed, ack: Ack = NO_ACK
) -> Any:
    """Call a handler that is a plain function, in its own context (``contextvars``).

    Args:
        handler: the handler.
        socket: its first argument, if it takes the socket.
        args: its further arguments.
        failed: called with the exception that the handler raises.
        ack: the acknowledgement, for handlers that take it.

    Returns:
        The result of the handler; None if it raises.
    """
    try:
        return handler.call_apart(socket, args, ack, SLOW_HANDLER, was_slow)
    except PASSING:
        raise
    except BaseException as error:
        failed(error)


async def invoke(
    handler: Handler, socket: object, args: Sequence[Any], failed: Failed, ack: Ack = NO_ACK
) -> Any:
    """Call and await an ``async def`` handler; call a plain function with ``invoke_plain``."""
    if not handler.is_async:
        return invoke_plain(handler, socket, args, failed, ack)
    try:
        return await handler.call(socket, args, ack)
    except PASSING:
        raise
    except BaseException as error:
        failed(error)
