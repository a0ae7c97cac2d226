"""How many of the written bytes the peer has received."""

from __future__ import annotations

import sys

import pytest
import trio
from trio.testing import memory_stream_pair

from trio_socketio.net._delivery import PIECE_BYTES, delivery_of, descriptor_of, piece_bytes

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux provides the figures")


@needs_linux
async def test_bytes_in_the_servers_own_kernel_are_outstanding() -> None:
    ours, theirs = trio.socket.socketpair()
    async with trio.SocketStream(ours) as stream, trio.SocketStream(theirs) as peer:
        descriptor = descriptor_of(stream)
        assert descriptor == ours.fileno()
        await stream.send_all(b"x" * 1000)
        waiting = delivery_of(descriptor, 1000)
        assert waiting is not None
        assert waiting.outstanding > 0
        await peer.receive_some(1000)
        delivered = delivery_of(descriptor, 1000)
        assert delivered is not None
        assert (delivered.acknowledged, delivered.outstanding) == (1000, 0)


async def test_delivery_of_a_closed_socket_is_unknown() -> None:
    ours, theirs = trio.socket.socketpair()
    theirs.close()
    stream = trio.SocketStream(ours)
    await stream.aclose()
    descriptor = descriptor_of(stream)
    assert descriptor == -1
    assert delivery_of(descriptor, 0) is None


async def test_stream_without_a_socket_is_written_in_small_pieces() -> None:
    stream, _ = memory_stream_pair()
    assert descriptor_of(stream) is None
    assert piece_bytes(stream, 65536) == PIECE_BYTES
    ours, theirs = trio.socket.socketpair()
    async with trio.SocketStream(ours) as socket_stream, trio.SocketStream(theirs):
        assert piece_bytes(socket_stream, 65536) == 65536
