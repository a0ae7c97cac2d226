"""Hang-ups of sockets that are not read.

A connection is not read while its session's inbox is full, and then nothing tells that its client has gone: Trio waits
for bytes, which are there already. One epoll instance of ours tells, for all such sockets.
"""

from __future__ import annotations

import select
import sys
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

import trio

from trio_socketio.net._sockets import socket_below

__all__ = ["HangUps", "Watch"]


class HangUps:
    """Watches sockets for FIN and RST. Where there is no epoll, and for streams without a socket, it does nothing."""

    def __init__(self) -> None:
        self._watched: dict[int, Watch] = {}
        self._epoll: select.epoll | None = None
        if sys.platform == "linux":
            self._epoll = select.epoll()

    def watching(self, stream: trio.abc.Stream, notify: Callable[[], None]) -> Watch:
        """Call ``notify`` when the peer hangs up inside of a ``with`` block, whose ``hung_up`` is True then.

        Args:
            stream: it must not be closed inside the block.
            notify: called at most once, in the task of ``run``.
        """
        return Watch(self, stream, notify)

    def add(self, descriptor: int, watch: Watch) -> None:
        """Begin to watch a socket; ``Watch`` calls it."""
        if self._epoll is not None and sys.platform == "linux":
            self._epoll.register(descriptor, select.EPOLLRDHUP | select.EPOLLET)
            self._watched[descriptor] = watch

    def remove(self, descriptor: int) -> None:
        """Stop watching a socket; nothing happens if it is not watched."""
        if self._watched.pop(descriptor, None) is not None and self._epoll is not None:
            with suppress(FileNotFoundError):
                self._epoll.unregister(descriptor)

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Notify, until cancelled; nothing is watched any more afterwards."""
        epoll = self._epoll
        if epoll is None:
            return
        try:
            while True:
                await trio.lowlevel.wait_readable(epoll.fileno())
                for descriptor, _ in epoll.poll(0):
                    watch = self._watched.get(descriptor)
                    if watch is not None:
                        watch.hang_up()
        finally:
            self._epoll = None
            trio.lowlevel.notify_closing(epoll.fileno())
            epoll.close()


class Watch:
    """One socket that is watched.

    Attributes:
        hung_up: whether its peer has hung up.
    """

    __slots__ = ("_descriptor", "_hang_ups", "_notify", "hung_up")

    def __init__(self, hang_ups: HangUps, stream: trio.abc.Stream, notify: Callable[[], None]) -> None:
        socket = socket_below(stream)
        self._descriptor = -1 if socket is None else socket.fileno()
        self._hang_ups = hang_ups
        self._notify = notify
        self.hung_up = False

    def __enter__(self) -> Watch:
        if self._descriptor >= 0:
            self._hang_ups.add(self._descriptor, self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._hang_ups.remove(self._descriptor)

    def hang_up(self) -> None:
        """The peer has hung up."""
        if not self.hung_up:
            self.hung_up = True
            self._notify()
