"""A connection without TLS, whose calls cost less than those of ``trio.SocketStream``."""

from __future__ import annotations

import socket

import trio

__all__ = ["DirectStream"]


class DirectStream(trio.abc.Stream):
    """A connected socket.

    ``trio.SocketStream`` enters the scheduler after each call that did not have to wait, and it tries to read before it
    waits, which is of no use when a reply is awaited.

    Args:
        sock: a connected stream socket. It is closed with the stream.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send data. Unlike in other streams, this is no checkpoint if the kernel takes all of it at once.

        Raises:
            trio.BrokenResourceError: the connection is lost.
            trio.ClosedResourceError: the stream was closed.

        Cancellation: a part of the data may have been sent.
        """
        sent = self._sent(data)
        if sent == len(data):
            return
        with memoryview(data) as rest:
            while sent < len(rest):
                await trio.lowlevel.wait_writable(self._socket)
                with rest[sent:] as part:
                    sent += self._sent(part)

    def _sent(self, data: bytes | bytearray | memoryview) -> int:
        """Send as much as the kernel takes, and return the number of bytes."""
        self._check()
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise trio.BrokenResourceError(str(error)) from error

    def _check(self) -> None:
        if self._socket.fileno() < 0:
            raise trio.ClosedResourceError("the connection was closed")

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the kernel takes data.

        Raises:
            trio.ClosedResourceError: the stream was closed.
        """
        self._check()
        await trio.lowlevel.wait_writable(self._socket)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Wait for data, and return it; nothing at its end. When this is cancelled, no data is lost.

        Raises:
            trio.BrokenResourceError: the connection is lost.
            trio.ClosedResourceError: the stream was closed.
        """
        while True:
            self._check()
            await trio.lowlevel.wait_readable(self._socket)
            try:
                return self._socket.recv(max_bytes or 65536)
            except BlockingIOError:
                continue
            except OSError as error:
                raise trio.BrokenResourceError(str(error)) from error

    def close(self) -> None:
        """Close the socket. Waiting calls raise ``trio.ClosedResourceError``."""
        if self._socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self._socket)
            self._socket.close()

    async def aclose(self) -> None:
        """See ``close``."""
        self.close()
        await trio.lowlevel.checkpoint()
