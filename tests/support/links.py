"""Connections between scripted clients and the server: in memory for the stream driver, sockets for the reactor."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import trio
from trio.testing import lockstep_stream_pair, memory_stream_pair, wait_all_tasks_blocked

from trio_socketio import Server, Socket

if TYPE_CHECKING:
    from support.wire import SioClient, Wire

__all__ = ["IN_FLIGHT", "LINKS", "Link", "MemoryLink", "SocketLink", "only", "stuck"]

StreamPair = Callable[[], tuple[trio.abc.Stream, trio.abc.Stream]]

#: Linux raises this to its minimum of 4608 bytes, which holds two writes of at most 2240 bytes.
SMALLEST_BUFFER = 1


class Link:
    """A kind of connection, which decides which driver serves it.

    Attributes:
        driver: the name of the driver.
        pair: makes a connection, and returns the client's end and the server's end.
        narrow: the same with as little buffer as possible, so that a writer waits until the other end reads.
    """

    driver: str
    pair: StreamPair
    narrow: StreamPair

    def close(self) -> None:
        """Close the client ends that are still open."""


class MemoryLink(Link):
    """Streams in memory. The stream driver serves them."""

    driver = "stream"
    pair = staticmethod(memory_stream_pair)
    narrow = staticmethod(lockstep_stream_pair)


class SocketLink(Link):
    """Socket pairs. The reactor serves them. Written bytes can be read from the other end at once."""

    driver = "reactor"

    def __init__(self) -> None:
        self._clients: list[socket.socket] = []

    def pair(self) -> tuple[trio.SocketStream, trio.SocketStream]:
        return self._pair()

    def narrow(self) -> tuple[trio.SocketStream, trio.SocketStream]:
        return self._pair(SMALLEST_BUFFER)

    def _pair(self, buffer: int = 0) -> tuple[trio.SocketStream, trio.SocketStream]:
        ends = socket.socketpair()
        if buffer:
            for end in ends:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        self._clients.append(ends[0])
        ours, theirs = (trio.SocketStream(trio.socket.from_stdlib_socket(end)) for end in ends)
        return ours, theirs

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self._clients.clear()


LINKS: dict[str, type[Link]] = {link.driver: link for link in (MemoryLink, SocketLink)}


def only(io: Server) -> Socket:
    """Return the only socket of a server."""
    (socket,) = io.sockets.values()
    return socket


#: An event that is larger than the buffers of a narrow connection.
IN_FLIGHT: list[Any] = ["in flight", "x" * 20_000]


async def stuck(wire: Wire) -> tuple[SioClient, Socket]:
    """Connect a client that does not read, and emit ``IN_FLIGHT`` to it. Later events stay in the outbox."""
    wire.narrow()
    client = await wire.connect()
    socket = only(wire.io)
    await wait_all_tasks_blocked()
    socket.emit_nowait(*IN_FLIGHT)
    await wait_all_tasks_blocked()
    assert not socket._state.peer.session.link.is_writable
    return client, socket
