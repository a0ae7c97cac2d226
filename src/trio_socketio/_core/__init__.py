"""The compiled byte work: thin Cython over ``csrc``.

Nothing here decides policy, and nothing here knows Trio: bytes and times come in as values.
"""

from trio_socketio._core._codec import scan_head, split_payload
from trio_socketio._core._conn import Connection, Message, TimerWheel
from trio_socketio._core._types import (
    CloseFrame,
    Failure,
    OutboxPolicy,
    PacketHead,
    PushStatus,
    TimerEvent,
)

__all__ = [
    "CloseFrame",
    "Connection",
    "Failure",
    "Message",
    "OutboxPolicy",
    "PacketHead",
    "PushStatus",
    "TimerEvent",
    "TimerWheel",
    "scan_head",
    "split_payload",
]
