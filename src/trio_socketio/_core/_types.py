"""The values that the compiled modules pass to Python."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

__all__ = ["CloseFrame", "Failure", "OutboxPolicy", "PacketHead", "PushStatus", "TimerEvent"]


class CloseFrame(NamedTuple):
    """The peer's close frame (RFC 6455 section 5.5.1)."""

    code: int  #: the close code; 1005 if the frame has none (section 7.4.1)
    reason: str


class Failure(NamedTuple):
    """A violation of a protocol by the peer. The parser accepts no more input after it."""

    text: str
    close_code: int  #: the close code for the peer (RFC 6455 section 7.4.1); 0: no WebSocket is involved


#: The head of a Socket.IO packet, and the rest: packet type, number of attachments, namespace, ack id, and JSON text.
#: A plain tuple, as one is made for each inbound packet, and a named tuple takes ten times as long.
PacketHead = tuple[int, int, str, int | None, bytes]


class OutboxPolicy(IntEnum):
    """What a full outbox does. The numbers equal those of ``tsio_policy``."""

    DISCONNECT = 0
    BLOCK = 1
    DROP_OLDEST = 2
    DROP_NEWEST = 3
    LATEST_PER_EVENT = 4


class PushStatus(IntEnum):
    """The result of queueing a message. The numbers equal those of ``tsio_status``."""

    OK = 0
    FULL = -24
    DROPPED = -25


class TimerEvent(IntEnum):
    """The meaning of a connection's timer. The numbers equal those of ``tsio_timer_kind``, in which 1 is a ping."""

    PING_TIMEOUT = 2
    DEADLINE = 3
    PING_BEHIND = 4  #: a ping was queued behind other messages; not in ``tsio_timer_kind``
