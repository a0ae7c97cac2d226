"""The compiled part of the package: thin Cython wrappers over the C code in ``csrc``.

It processes bytes, and depends neither on policy nor on Trio: bytes and times are passed in as values.
"""

from trio_socketio._core._broadcast import Broadcast, Pace
from trio_socketio._core._callbacks import (
    ConnectionObserver,
    ConnectionOwner,
    ConnectionTransport,
    ReactorTransport,
)
from trio_socketio._core._classic_event import ClassicEventReader
from trio_socketio._core._codec import (
    PayloadReader,
    http_head_length,
    plain_head_length,
    scan_head,
    unquote_form,
    unwrap_binary,
    unwrap_binary3,
)
from trio_socketio._core._collector import release_memory, track, untrack
from trio_socketio._core._conn_state import FlushList
from trio_socketio._core._connection import Connection, expire_timers, put_off_answers
from trio_socketio._core._copies import Copies
from trio_socketio._core._deflate import Deflate
from trio_socketio._core._delivery import socket_delivery
from trio_socketio._core._event_queue import EventQueue
from trio_socketio._core._event_writer import EventWriter
from trio_socketio._core._fast_call import FastCall
from trio_socketio._core._message import Dialect, Message
from trio_socketio._core._outgoing import OutgoingQueue
from trio_socketio._core._packets import EventReader, PacketWriter, is_json
from trio_socketio._core._resp import frequent_replies, pack_messages, reply_end
from trio_socketio._core._rooms import Member, RoomIndex
from trio_socketio._core._subscription import messages_of
from trio_socketio._core._types import (
    CloseFrame,
    Failure,
    OutboxPolicy,
    PacketHead,
    PushStatus,
    TimerEvent,
)
from trio_socketio._core._wheel import TimerWheel

try:
    from trio_socketio._core._reactor import Reactor
except ModuleNotFoundError:  # the reactor is built on Linux only
    Reactor = None  # type: ignore[assignment, misc]

__all__ = [
    "Broadcast",
    "ClassicEventReader",
    "CloseFrame",
    "Connection",
    "ConnectionObserver",
    "ConnectionOwner",
    "ConnectionTransport",
    "Copies",
    "Deflate",
    "Dialect",
    "EventQueue",
    "EventReader",
    "EventWriter",
    "Failure",
    "FastCall",
    "FlushList",
    "Member",
    "Message",
    "OutboxPolicy",
    "OutgoingQueue",
    "Pace",
    "PacketHead",
    "PacketWriter",
    "PayloadReader",
    "PushStatus",
    "Reactor",
    "ReactorTransport",
    "RoomIndex",
    "TimerEvent",
    "TimerWheel",
    "expire_timers",
    "frequent_replies",
    "http_head_length",
    "is_json",
    "pack_messages",
    "plain_head_length",
    "messages_of",
    "put_off_answers",
    "release_memory",
    "reply_end",
    "scan_head",
    "socket_delivery",
    "track",
    "unquote_form",
    "untrack",
    "unwrap_binary",
    "unwrap_binary3",
]
