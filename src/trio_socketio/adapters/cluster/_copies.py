"""Detects messages that a bus delivers twice."""

from __future__ import annotations

__all__ = ["Copies"]

#: How many numbers below the highest one are remembered of each server.
WINDOW = 1024
#: How many servers are remembered. More must be an attack; the oldest are forgotten.
MOST_SERVERS = 10_000


class Copies:
    """The numbers of the messages received last, by server.

    Messages of one server may arrive in another order if they come on several channels. A message whose number is more
    than ``WINDOW`` below the highest one is taken for a copy.
    """

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: dict[
            str, tuple[int, int]
        ] = {}  # the highest number, and a bit for each one from it downwards

    def is_copy(self, uid: str, seq: int) -> bool:
        """Return whether the message was received before, and remember it."""
        highest, bits = self._seen.get(uid, (-1, 0))
        if seq > highest:
            bits = 1 if seq - highest >= WINDOW else (bits << seq - highest | 1) & (1 << WINDOW) - 1
            if highest < 0 and len(self._seen) >= MOST_SERVERS:
                del self._seen[next(iter(self._seen))]
            self._seen[uid] = seq, bits
            return False
        behind = highest - seq
        if behind >= WINDOW or bits >> behind & 1:
            return True
        self._seen[uid] = highest, bits | 1 << behind
        return False
