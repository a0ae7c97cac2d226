"""Finds objects and descriptors that are left after a test."""

from __future__ import annotations

import gc
import os

from trio_socketio import Socket
from trio_socketio._core import Connection
from trio_socketio.engineio import Session
from trio_socketio.net._reactor_driver import ReactorDriver
from trio_socketio.net._stream_driver import StreamDriver

__all__ = ["left_behind", "open_descriptors"]

KINDS = (Connection, Session, Socket, StreamDriver, ReactorDriver)


def left_behind() -> list[object]:
    """Return all sessions, sockets, connections and drivers that still exist."""
    gc.collect()
    return [thing for thing in gc.get_objects() if type(thing) in KINDS]


def open_descriptors() -> list[str]:
    """Return the numbers of the open descriptors of this process, and that of ``listdir`` itself."""
    return sorted(os.listdir("/proc/self/fd"))
