"""An event for the members of a target, and the acknowledgements of these members."""

from __future__ import annotations

from typing import Any, NamedTuple

from trio_socketio._core import Broadcast

__all__ = ["Answers", "Broadcast"]


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
