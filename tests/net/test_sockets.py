"""The socket below a stream, and the kernel's limit for silence on it."""

from __future__ import annotations

import socket as stdlib_socket
import ssl

import pytest
import trio
from trio.testing import memory_stream_pair

from trio_socketio.net._sockets import limit_silence, socket_below

TCP_USER_TIMEOUT: int | None = getattr(stdlib_socket, "TCP_USER_TIMEOUT", None)


async def test_socket_is_found_below_tls() -> None:
    ours, theirs = trio.socket.socketpair()
    async with trio.SocketStream(ours) as plain, trio.SocketStream(theirs):
        tls = trio.SSLStream(plain, ssl.create_default_context(), server_hostname="localhost")
        assert socket_below(plain) is socket_below(tls) is ours
    stream, _ = memory_stream_pair()
    assert socket_below(stream) is None


@pytest.mark.skipif(TCP_USER_TIMEOUT is None, reason="the platform lacks TCP_USER_TIMEOUT")
async def test_silence_is_limited_on_tcp_only() -> None:
    assert TCP_USER_TIMEOUT is not None
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener, await trio.open_tcp_stream(*listener.socket.getsockname()) as stream:
        limit_silence(stream, 45.0)
        assert stream.socket.getsockopt(stdlib_socket.IPPROTO_TCP, TCP_USER_TIMEOUT) == 45_000
        limit_silence(stream, 0.0001)  # 0 would mean: no limit
        assert stream.socket.getsockopt(stdlib_socket.IPPROTO_TCP, TCP_USER_TIMEOUT) == 1
    ours, theirs = trio.socket.socketpair()
    async with trio.SocketStream(ours) as unix, trio.SocketStream(theirs):
        limit_silence(unix, 45.0)
    limit_silence(memory_stream_pair()[0], 45.0)
