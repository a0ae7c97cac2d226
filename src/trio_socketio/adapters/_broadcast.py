"""An event for the members of a target, and the acknowledgements of these members."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from trio_socketio._core import Message
from trio_socketio.socketio import Target

__all__ = ["Answers", "Broadcast"]

#: Makes the message of an event from its name, its arguments and its ack id.
Encode = Callable[[str | float, tuple[Any, ...], int | None], Message]


class _Answers(NamedTuple):
    values: dict[str, Any]  #: the acknowledgements by socket id, as ``Socket.call`` returns them
    missing: frozenset[str]  #: the ids of the sockets that did not answer in time, or were disconnected


class Answers(_Answers):
    """The result of a broadcast call: the pair of ``values`` and ``missing``.

    With a cluster, there may be more. Node's servers do not tell which socket has sent an acknowledgement.

    Attributes:
        unnamed: acknowledgements of sockets whose ids their servers did not tell.
        missing_count: the number of sockets that did not answer and whose ids their servers did not tell.
        silent: the ids of the servers that did not answer in time, where the bus knows them.
        silent_count: the number of servers that did not answer in time; at least 1 if there was no link to the bus.
    """

    unnamed: tuple[Any, ...] = ()
    missing_count: int = 0
    silent: frozenset[str] = frozenset()
    silent_count: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether every chosen socket has answered."""
        return not (self.missing or self.missing_count or self.silent_count)


class Broadcast:
    """An event that is sent to the members of a target.

    Args:
        event: the name of the event.
        args: the arguments of the event.
        target: the rooms that receive the event, the excluded rooms, and the flags.
        encode: makes the message.
        ack_id: the id of the acknowledgements; None: no acknowledgement is wanted.
        waits: whether the caller awaits ``Adapter.settle`` afterwards.

    Attributes:
        event: the name of the event.
        args: the arguments of the event.
        target: the rooms that receive the event, the excluded rooms, and the flags.
        ack_id: the id of the acknowledgements; None: no acknowledgement is wanted.
        waits: whether the caller awaits ``Adapter.settle`` afterwards.
        unsent: set by an adapter: what ``settle`` has to send when there is room; None if there is nothing.
    """

    __slots__ = ("_encode", "_message", "ack_id", "args", "event", "target", "unsent", "waits")

    def __init__(
        self,
        event: str | float,
        args: tuple[Any, ...],
        target: Target,
        encode: Encode,
        ack_id: int | None = None,
        *,
        waits: bool = False,
    ) -> None:
        self.event = event
        self.args = args
        self.target = target
        self.ack_id = ack_id
        self.waits = waits
        self.unsent: Any = None
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
