"""The acknowledgement of an event, as handlers receive it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trio_socketio.handlers._outside import require_task

__all__ = ["NO_ACK", "Ack", "values_of"]


class Ack:
    """The acknowledgement, as a handler's parameter: ``ack: Ack`` gets one, to be called once.

    A handler with such a parameter answers by calling it; its return value is not used.
    """

    __slots__ = ("_ack_id", "_acknowledge")

    def __init__(self, acknowledge: Callable[[int, tuple[Any, ...]], None] | None, ack_id: int = 0) -> None:
        self._acknowledge = acknowledge
        self._ack_id = ack_id

    @property
    def wanted(self) -> bool:
        """Whether the client waits for an answer that has not been given."""
        return self._acknowledge is not None

    def __call__(self, *values: Any) -> None:
        """Answer; nothing happens if no answer is wanted or one was given.

        Raises:
            LocalProtocolError: the values cannot be encoded; an answer is still wanted.
        """
        if self._acknowledge is not None:
            require_task("an acknowledgement")
            self._acknowledge(self._ack_id, values)
            self._acknowledge = None


#: For events whose client wants no answer. It has no state, so there is one for all of them.
NO_ACK = Ack(None)


def values_of(result: Any) -> tuple[Any, ...]:
    """Return the result of a handler as the values of an acknowledgement; a subclass of tuple is one value."""
    if result is None:
        return ()
    return result if type(result) is tuple else (result,)
