"""The acknowledgement of an event, as handlers receive it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trio_socketio.handlers._outside import require_task

__all__ = ["NO_ACK", "Ack", "values_of"]


class Ack:
    """The acknowledgement of one event. A handler receives it through a parameter annotated ``ack: Ack``.

    Such a handler acknowledges the event by calling ``ack`` once. Its return value is not used.
    """

    __slots__ = ("_ack_id", "_acknowledge")

    def __init__(self, acknowledge: Callable[[int, tuple[Any, ...]], None] | None, ack_id: int = 0) -> None:
        self._acknowledge = acknowledge
        self._ack_id = ack_id

    @property
    def wanted(self) -> bool:
        """Whether the client waits for an acknowledgement that was not sent yet."""
        return self._acknowledge is not None

    def __call__(self, *values: Any) -> None:
        """Acknowledge the event. Do nothing if the client asked for no acknowledgement, or one was sent.

        Raises:
            LocalProtocolError: the values cannot be encoded; ``ack`` can be called again.
        """
        if self._acknowledge is not None:
            require_task("an acknowledgement")
            self._acknowledge(self._ack_id, values)
            self._acknowledge = None


#: For events without an acknowledgement id. It has no state, so all these events share it.
NO_ACK = Ack(None)


def values_of(result: Any) -> tuple[Any, ...]:
    """Convert the result of a handler to the values of an acknowledgement. A subclass of tuple is one value."""
    if result is None:
        return ()
    return result if type(result) is tuple else (result,)
