"""The counters of a cluster adapter."""

from __future__ import annotations

from collections import Counter

__all__ = ["Counters"]


class Counters:
    """The counters of one server's link to its cluster. ``AdapterHealth`` describes them."""

    __slots__ = ("dropped", "gaps", "published", "received", "rejected", "unconfirmed")

    def __init__(self) -> None:
        self.published = 0
        self.received = 0
        self.dropped = 0
        self.unconfirmed = 0
        self.gaps = 0
        self.rejected: Counter[str] = Counter()
