"""One end of a socketpair between two processes. Its packets carry bytes and descriptors. It needs Linux.

A packet that is too large for the socket travels as a memfd. The other process may be of another version or broken, so
every packet is checked: its size, that nothing of it was cut off, and that a memfd is sealed.
"""

from __future__ import annotations

import array
import errno
import os
import socket
from collections.abc import Sequence
from contextlib import suppress

import trio

from trio_socketio.workers._memfd import read_memfd, write_memfd
from trio_socketio.workers._packet import BadPacket, Packet, close_all

__all__ = ["INLINE_BYTES", "Pair", "PairClosed"]

#: The largest content that travels in the packet itself, in bytes. Larger content travels as a memfd.
INLINE_BYTES = 65_536

#: What the kernel needs of the socket's buffer beside a packet, in bytes, with room to spare.
OVERHEAD_BYTES = 256

#: Received descriptors are not inherited by programs that the application starts.
RECEIVE_FLAGS = getattr(socket, "MSG_CMSG_CLOEXEC", 0)

#: The bytes before the content: the kind of the packet, and whether its content is in a memfd.
HEAD_BYTES = 2
INLINE, IN_MEMFD = 0, 1

#: How many descriptors one packet carries at most: a memfd, and one that the packet is about.
MOST_DESCRIPTORS = 2
DESCRIPTORS_BYTES = MOST_DESCRIPTORS * array.array("i").itemsize


class PairClosed(OSError):
    """The other process has closed its end, or has ended."""


class Pair:
    """One end of a ``SOCK_SEQPACKET`` socketpair. One task receives, and one sends.

    Args:
        end: the socket. It belongs to this object from now on.
        max_bytes: the largest content that is accepted, in bytes.
    """

    def __init__(self, end: socket.socket, max_bytes: int = INLINE_BYTES) -> None:
        end.setblocking(False)
        self._socket = end
        self._max_bytes = max_bytes
        buffer = end.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)  # the system may have a small one
        self._inline_bytes = min(INLINE_BYTES, buffer - HEAD_BYTES - OVERHEAD_BYTES)

    @classmethod
    def make(cls, max_bytes: int = INLINE_BYTES) -> tuple[Pair, Pair]:
        """Return the two ends of a new pair."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(ours, max_bytes), cls(theirs, max_bytes)

    @classmethod
    def adopt(cls, descriptor: int, max_bytes: int = INLINE_BYTES) -> Pair:
        """Return the end with an inherited or received descriptor, which belongs to this object from now on.

        Raises:
            OSError: the descriptor is no socket of this kind. It is closed, if it was open.
        """
        try:
            end = socket.socket(fileno=descriptor)
        except OSError as error:
            if error.errno != errno.EBADF:
                os.close(descriptor)
            raise
        if (end.family, end.type) != (socket.AF_UNIX, socket.SOCK_SEQPACKET):
            end.close()
            raise OSError(errno.EINVAL, "expected a socket of the type SOCK_SEQPACKET")
        end.set_inheritable(False)  # a program that the application starts must not keep it open
        return cls(end, max_bytes)

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._socket.fileno()

    def detach(self) -> int:
        """Give the descriptor to the caller. This object is closed afterwards."""
        return self._socket.detach()

    def close(self) -> None:
        """Close this end. Tasks that wait for it get ``trio.ClosedResourceError``."""
        if self._socket.fileno() >= 0:
            if trio.lowlevel.in_trio_run():
                trio.lowlevel.notify_closing(self._socket)
            self._socket.close()

    def end(self) -> None:
        """Let the other process read the end of the pair, also if there are copies of this end."""
        with suppress(OSError):  # the other process has ended
            self._socket.shutdown(socket.SHUT_RDWR)

    # sending

    def is_large(self, content: bytes) -> bool:
        """Return whether content is sent in a memfd."""
        return len(content) > self._inline_bytes

    def send_nowait(self, kind: int, content: bytes, descriptors: Sequence[int] = ()) -> bool:
        """Send a packet if the socket has room; returns whether it was sent.

        Args:
            kind: the kind of the packet, below 256.
            content: the content.
            descriptors: descriptors of which the other process gets copies. At most one.

        Raises:
            PairClosed: the other process has closed its end.
            OSError: the system lacks descriptors or memory.
        """
        if not self.is_large(content):
            return self._send(bytes((kind, INLINE)) + content, descriptors)
        memfd = write_memfd(content)
        try:
            return self._send(bytes((kind, IN_MEMFD)), (memfd, *descriptors))
        finally:
            os.close(memfd)

    def _send(self, data: bytes, descriptors: Sequence[int]) -> bool:
        try:
            if descriptors:
                rights = array.array("i", descriptors)
                self._socket.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            else:
                self._socket.send(data)
        except BlockingIOError:
            return False
        except (BrokenPipeError, ConnectionError) as error:
            raise PairClosed(error.errno, "the other process has closed its end") from None
        return True

    async def wait_writable(self) -> None:
        """Wait until the socket may have room."""
        await trio.lowlevel.wait_writable(self._socket)

    async def send(self, kind: int, content: bytes, descriptors: Sequence[int] = ()) -> None:
        """Wait for room, and send a packet; see ``send_nowait``.

        Cancellation: the packet is not sent.
        """
        await trio.lowlevel.checkpoint()
        while not self.send_nowait(kind, content, descriptors):
            await self.wait_writable()

    # receiving

    def receive_nowait(self) -> Packet | None:
        """Return the next packet; None if none has arrived.

        Raises:
            PairClosed: the other process has closed its end.
            BadPacket: the packet is ignored.
            OSError: the system lacks memory.
        """
        try:
            data, ancillary, flags, _ = self._socket.recvmsg(
                HEAD_BYTES + INLINE_BYTES, socket.CMSG_SPACE(DESCRIPTORS_BYTES), RECEIVE_FLAGS
            )
        except BlockingIOError:
            return None
        except ConnectionError as error:
            raise PairClosed(error.errno, "the other process has closed its end") from None
        descriptors = _descriptors(ancillary)
        if not data and not descriptors:
            raise PairClosed(errno.EPIPE, "the other process has closed its end")
        try:
            return self._packet(data, descriptors, flags)
        except BadPacket as error:
            error.is_large = data[1:2] == bytes((IN_MEMFD,))
            close_all(descriptors)
            raise
        except BaseException:
            close_all(descriptors)
            raise

    def _packet(self, data: bytes, descriptors: list[int], flags: int) -> Packet:
        """Check a packet, and return it. A memfd is taken from ``descriptors``, and closed."""
        if flags & socket.MSG_TRUNC:
            raise BadPacket("oversized")
        if flags & socket.MSG_CTRUNC:  # there are too many, or this process has no free one
            raise BadPacket("descriptors cut off")
        if len(data) < HEAD_BYTES:
            raise BadPacket("short")
        kind, place = data[0], data[1]
        if place == INLINE:
            content = data[HEAD_BYTES:]
        elif place == IN_MEMFD and descriptors and len(data) == HEAD_BYTES:
            content = read_memfd(descriptors[0], self._max_bytes)
            os.close(descriptors.pop(0))
        else:
            raise BadPacket("garbage")
        if len(content) > self._max_bytes:
            raise BadPacket("oversized")
        return Packet(kind, content, tuple(descriptors), place == IN_MEMFD)

    async def receive(self) -> Packet:
        """Wait for a packet; see ``receive_nowait``."""
        await trio.lowlevel.checkpoint()
        while (packet := self.receive_nowait()) is None:
            await trio.lowlevel.wait_readable(self._socket)
        return packet

    async def wait_readable(self) -> None:
        """Wait until a packet may have arrived."""
        await trio.lowlevel.wait_readable(self._socket)


def _descriptors(ancillary: Sequence[tuple[int, int, bytes]]) -> list[int]:
    descriptors = array.array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    return descriptors.tolist()
