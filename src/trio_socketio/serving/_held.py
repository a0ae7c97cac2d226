"""The log message about handlers that hold events for long."""

from __future__ import annotations

import logging

__all__ = ["HELD_SECONDS", "log_held"]

#: How long events are held before the log names their handlers, in seconds.
HELD_SECONDS = 5.0

_CONNECTION = (
    "%s has not returned for %g s, and events of its client wait for that: "
    "call socket.ready() when they may be handled, or do long work in a task of socket.nursery"
)


def log_held(log: logging.Logger, known: set[str], names: list[str], text: str = _CONNECTION) -> None:
    """Log the names of handlers that hold events, once.

    Args:
        log: the logger.
        known: the names that were logged before. They are not logged again.
        names: the names of the handlers.
        text: the message: what the handlers do, and the remedy.
    """
    handlers = ", ".join(dict.fromkeys(names))
    if handlers not in known:
        known.add(handlers)
        log.warning(text, handlers, HELD_SECONDS)
