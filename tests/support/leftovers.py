"""Finds objects that are left after a test."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from trio_socketio import Socket
from trio_socketio._core import Connection
from trio_socketio.engineio import Session
from trio_socketio.net._reactor_driver import ReactorDriver
from trio_socketio.net._stream_driver import StreamDriver

__all__ = ["garbage", "left_behind", "no_collector"]

KINDS = (Connection, Session, Socket, StreamDriver, ReactorDriver)


def left_behind() -> list[object]:
    """Return all sessions, sockets, connections and drivers that still exist."""
    gc.collect()
    return [thing for thing in gc.get_objects() if type(thing) in KINDS]


@contextmanager
def no_collector() -> Iterator[None]:
    """Collect all garbage, and turn the collector off in the block, so that only reference counts free objects."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def garbage() -> Iterator[list[object]]:
    """Let the list contain, after the block, what only the collector frees of the objects that were made in it."""
    found: list[object] = []
    with no_collector():
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            yield found
            gc.collect()
            found += gc.garbage
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
