"""Detects messages that a bus delivers twice."""

from __future__ import annotations

__all__ = ["Copies"]

#: How many numbers below the highest one are remembered of each source.
WINDOW = 1024
_MASK = (1 << WINDOW) - 1
#: How many sources are remembered. The oldest are forgotten.
MOST_SOURCES = 10_000


class Copies:
    """The numbers of the messages received last, by source.

    A source is one server on one channel. Different channels have different delays: a stream that is read after an
    outage lags far behind the channel for answers. The numbers of one source have gaps, because a server counts its
    messages on all channels together. A message whose number is more than ``WINDOW`` below the highest one of its
    source is taken for a copy.
    """

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        #: The highest number, and a bit for each one from it downwards.
        self._seen: dict[tuple[str, str], tuple[int, int]] = {}

    def is_copy(self, uid: str, channel: str, seq: int) -> bool:
        """Return whether the message was received before, and remember it."""
        source = uid, channel
        highest, bits = self._seen.get(source, (-1, 0))
        if seq > highest:
            bits = 1 if seq - highest >= WINDOW else (bits << seq - highest | 1) & _MASK
            if highest < 0 and len(self._seen) >= MOST_SOURCES:
                del self._seen[next(iter(self._seen))]
            self._seen[source] = seq, bits
            return False
        behind = highest - seq
        if behind >= WINDOW or bits >> behind & 1:
            return True
        self._seen[source] = highest, bits | 1 << behind
        return False
