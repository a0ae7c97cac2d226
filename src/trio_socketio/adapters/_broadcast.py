"""An event for the members of a target, and the acknowledgements of these members."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from trio_socketio._core import Message
from trio_socketio.socketio import Target

__all__ = ["Answers", "Broadcast"]

#: Makes the message of an event from its name, its arguments and its ack id.
Encode = Callable[[str | float, tuple[Any, ...], int | None], Message]


class Answers(NamedTuple):
    """The result of a broadcast call."""

    values: dict[str, Any]  #: the acknowledgements by socket id, as ``Socket.call`` returns them
    missing: frozenset[str]  #: the ids of the sockets that did not answer in time, or were disconnected


class Broadcast:
    """An event that is sent to the members of a target.

    Args:
        event: the name of the event.
        args: the arguments of the event.
        target: the rooms that receive the event, the excluded rooms, and the flags.
        encode: makes the message.
        ack_id: the id of the acknowledgements; None: no acknowledgement is wanted.

    Attributes:
        event: the name of the event.
        args: the arguments of the event.
        target: the rooms that receive the event, the excluded rooms, and the flags.
        ack_id: the id of the acknowledgements; None: no acknowledgement is wanted.
    """

    __slots__ = ("_encode", "_message", "ack_id", "args", "event", "target")

    def __init__(
        self,
        event: str | float,
        args: tuple[Any, ...],
        target: Target,
        encode: Encode,
        ack_id: int | None = None,
    ) -> None:
        self.event = event
        self.args = args
        self.target = target
        self.ack_id = ack_id
        self._encode = encode
        self._message: Message | None = None

    def __repr__(self) -> str:
        return f"<Broadcast {self.event!r} to {self.target}>"

    @property
    def message(self) -> Message:
        """The encoded event. It is encoded on the first access, and all receivers share it.

        Raises:
            ReservedEventError: the name is reserved by Socket.IO.
            LocalProtocolError: the arguments cannot be encoded.
        """
        message = self._message
        if message is None:
            message = self._message = self._encode(self.event, self.args, self.ack_id)
        return message
