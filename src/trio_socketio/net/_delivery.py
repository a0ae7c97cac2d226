"""Measures how many of the written bytes the peer of a stream has received."""

from __future__ import annotations

import trio

from trio_socketio._core import socket_delivery
from trio_socketio.engineio import Delivery
from trio_socketio.net._sockets import socket_below

__all__ = ["delivery_of", "descriptor_of", "piece_bytes"]

#: The size of one write to a stream without a socket: only the return of ``send_all`` shows that its peer reads.
PIECE_BYTES = 1024


def descriptor_of(stream: trio.abc.Stream) -> int | None:
    """Return the descriptor to pass to ``delivery_of``; None: the stream has no socket."""
    socket = socket_below(stream)
    return None if socket is None else socket.fileno()


def piece_bytes(stream: trio.abc.Stream, most: int) -> int:
    """Return how many bytes to write at once, so that the peer's progress can be observed."""
    return most if socket_below(stream) is not None else PIECE_BYTES


def delivery_of(descriptor: int, taken: int) -> Delivery | None:
    """Ask the kernel what the peer has received.

    Args:
        descriptor: of the socket.
        taken: how many bytes the socket has taken so far. Sockets other than TCP have no acknowledgements; for them,
            the bytes that are not outstanding count as acknowledged.

    Returns:
        The delivery; None: the socket is closed, or the platform does not provide the figures.
    """
    if descriptor < 0:
        return None
    try:
        acknowledged, outstanding, quiet = socket_delivery(descriptor)
    except OSError:
        return None
    return Delivery(taken - outstanding if acknowledged is None else acknowledged, outstanding, quiet)
