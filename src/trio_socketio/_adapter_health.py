"""The state of a server's link to the other servers of its cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["AdapterHealth", "AdapterState"]


class AdapterState(StrEnum):
    """The state of the link between a server and the bus of its cluster. Local delivery is the same in all of them."""

    UP = "up"  #: messages are published and received
    DEGRADED = "degraded"  #: the link is being made or renewed, or the bus refuses messages; messages wait in the queue
    DOWN = "down"  #: there has been no link for ``down_after`` seconds; what the queue does not hold is dropped at once


@dataclass(frozen=True, slots=True)
class AdapterHealth:
    """The state and the counters of a cluster adapter at one moment. Counters begin with the adapter.

    Attributes:
        state: the state of the link.
        queued_packets: the number of messages that wait to be published.
        queued_bytes: the size of these messages.
        published: the number of messages that the bus has taken.
        received: the number of messages that the bus has delivered, own ones and rejected ones included.
        dropped: the number of messages that were never given to the bus: the queue was full, the bus refused them, or
            the server stopped.
        unconfirmed: the number of messages that the bus may or may not have taken, because the link broke.
        gaps: how often the link was renewed, so that messages of others may have been missed. A bus that keeps a
            history has no gaps.
        rejected: the number of received messages that were ignored, by the kind of their defect.
    """

    state: AdapterState
    queued_packets: int = 0
    queued_bytes: int = 0
    published: int = 0
    received: int = 0
    dropped: int = 0
    unconfirmed: int = 0
    gaps: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
