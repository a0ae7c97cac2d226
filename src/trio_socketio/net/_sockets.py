"""Finds the socket below a stream, and sets its timeout."""

from __future__ import annotations

import socket as stdlib_socket

import trio

__all__ = ["limit_silence", "socket_below"]


def socket_below(stream: trio.abc.Stream) -> trio.socket.SocketType | None:
    """Return the socket that carries a stream, also below TLS; None: there is none, as for a stream in memory."""
    while isinstance(stream, trio.SSLStream):
        stream = stream.transport_stream
    return stream.socket if isinstance(stream, trio.SocketStream) else None


def limit_silence(stream: trio.abc.Stream, seconds: float) -> None:
    """Let the kernel break a TCP connection if sent data is not acknowledged for so long (RFC 5482).

    Otherwise it takes a quarter of an hour until a broken link is detected. Do nothing for streams that are not TCP, or
    on platforms without this option.
    """
    option: int | None = getattr(stdlib_socket, "TCP_USER_TIMEOUT", None)
    socket = socket_below(stream)
    if option is None or socket is None or socket.family not in (trio.socket.AF_INET, trio.socket.AF_INET6):
        return
    socket.setsockopt(trio.socket.IPPROTO_TCP, option, max(1, round(seconds * 1000)))
