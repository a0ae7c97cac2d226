"""The socket below a stream."""

from __future__ import annotations

import socket as stdlib_socket

import trio

__all__ = ["limit_silence", "socket_below"]


def socket_below(stream: trio.abc.Stream) -> trio.socket.SocketType | None:
    """The socket that carries a stream, below TLS if need be; None: there is none, as for a stream in memory."""
    while isinstance(stream, trio.SSLStream):
        stream = stream.transport_stream
    return stream.socket if isinstance(stream, trio.SocketStream) else None


def limit_silence(stream: trio.abc.Stream, seconds: float) -> None:
    """Let the kernel break a TCP connection when what was sent is not acknowledged for so long (RFC 5482).

    Without it, a link that is cut is noticed after a quarter of an hour. Nothing happens for streams that are not TCP,
    and on platforms that have no such option.
    """
    option: int | None = getattr(stdlib_socket, "TCP_USER_TIMEOUT", None)
    socket = socket_below(stream)
    if option is None or socket is None or socket.family not in (trio.socket.AF_INET, trio.socket.AF_INET6):
        return
    socket.setsockopt(trio.socket.IPPROTO_TCP, option, max(1, round(seconds * 1000)))
