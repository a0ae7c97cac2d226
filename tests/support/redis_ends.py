"""The other end of a connection to Redis, in memory."""

from __future__ import annotations

import trio
import trio.testing

from trio_socketio.adapters.redis._commands import Commands
from trio_socketio.adapters.redis._resp import RespConnection
from trio_socketio.adapters.redis._subscriber import Subscriber

__all__ = ["connection", "commands", "subscriber"]

Server = trio.StapledStream[trio.testing.MemorySendStream, trio.testing.MemoryReceiveStream]


def connection(max_reply_bytes: int = 1000) -> tuple[RespConnection, Server]:
    """Return a connection, and the stream of the server."""
    ours, theirs = trio.testing.memory_stream_pair()
    interrupt = ours.receive_stream.close
    return RespConnection(ours, "redis", max_reply_bytes=max_reply_bytes, interrupt=interrupt), theirs


def commands(timeout: float = 5.0) -> tuple[Commands, Server]:
    link, server = connection()
    return Commands(link, timeout), server


def subscriber(timeout: float = 5.0) -> tuple[Subscriber, Server]:
    link, server = connection()
    return Subscriber(link, timeout), server
