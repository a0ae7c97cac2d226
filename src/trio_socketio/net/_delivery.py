"""How far the peer of a stream has received what was written to it."""

from __future__ import annotations

import trio

from trio_socketio._core import socket_delivery
from trio_socketio.engineio import Delivery
from trio_socketio.net._sockets import socket_below

__all__ = ["delivery_of", "descriptor_of", "piece_bytes"]

#: What a stream without a socket takes is all that is known of its peer, so it is written to in pieces of this size.
PIECE_BYTES = 1024


def descriptor_of(stream: trio.abc.Stream) -> int | None:
    """The descriptor to pass to ``delivery_of``; None: there is no socket."""
    socket = socket_below(stream)
    return None if socket is None else socket.fileno()


def piece_bytes(stream: trio.abc.Stream, most: int) -> int:
    """How much to write at once, so that it can be seen how the peer gets on."""
    return most if socket_below(stream) is not None else PIECE_BYTES


def delivery_of(descriptor: int, taken: int) -> Delivery | None:
    """Ask the system; None: the socket is closed, or the system cannot tell.

    Args:
        descriptor: of the socket.
        taken: how many bytes it has taken so far; for sockets other than TCP, what is not outstanding of these counts.
    """
    if descriptor < 0:
        return None
    try:
        acknowledged, outstanding, quiet = socket_delivery(descriptor)
    except OSError:
        return None
    return Delivery(taken - outstanding if acknowledged is None else acknowledged, outstanding, quiet)
