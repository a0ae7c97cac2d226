"""The values that the compiled modules hand upwards."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

__all__ = ["CloseFrame", "Failure", "OutboxPolicy", "PacketHead", "PushStatus", "TimerEvent"]


class CloseFrame(NamedTuple):
    """The peer's close frame (RFC 6455 section 5.5.1)."""

    code: int  #: 1005 when the frame carried none (section 7.4.1)
    reason: str


class Failure(NamedTuple):
    """Bytes that break a protocol; the parser stays failed."""

    text: str
    close_code: int  #: RFC 6455 section 7.4.1; 0 where no WebSocket is concerned


#: The head of a Socket.IO packet, and the JSON text behind it: type, how many attachments, namespace, ack id, JSON.
#: A plain tuple: one is made for each packet that comes, and a named one takes ten times as long.
PacketHead = tuple[int, int, str, int | None, bytes]


class OutboxPolicy(IntEnum):
    """What a full outbox does. The numbers are those of ``tsio_policy``."""

    DISCONNECT = 0
    BLOCK = 1
    DROP_OLDEST = 2
    DROP_NEWEST = 3
    LATEST_PER_EVENT = 4


class PushStatus(IntEnum):
    """What became of a message given to an outbox. The numbers are those of ``tsio_status``."""

    OK = 0
    FULL = -24
    DROPPED = -25


class TimerEvent(IntEnum):
    """What a connection's timer stands for. The numbers are those of ``tsio_timer_kind``, whose 1 is a ping."""

    PING_TIMEOUT = 2
    DEADLINE = 3
    PING_BEHIND = 4  #: not C's: a ping was queued behind other messages
