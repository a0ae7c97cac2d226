"""The log line that names the handlers that hold events for long."""

from __future__ import annotations

import logging

__all__ = ["HELD_SECONDS", "log_held"]

#: Events that are held for so long are named.
HELD_SECONDS = 5.0

_CONNECTION = (
    "%s has not returned for %g s while events of its client wait: call socket.ready() when they may be handled, "
    "or start what goes on in socket.nursery"
)


def log_held(log: logging.Logger, known: set[str], names: list[str], text: str = _CONNECTION) -> None:
    """Name what holds events.

    Args:
        log: where.
        known: what has been named before, and is not again.
        names: of the handlers.
        text: what they do, and the remedy.
    """
    handlers = ", ".join(dict.fromkeys(names))
    if handlers not in known:
        known.add(handlers)
        log.warning(text, handlers, HELD_SECONDS)
