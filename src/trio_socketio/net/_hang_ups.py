"""Detects hang-ups on sockets that are not being read.

A connection is not read while its session's inbox is full. Trio cannot report that such a client has disconnected: it
only waits until a socket is readable, and unread bytes make it readable all the time. Therefore one epoll instance
watches all these sockets for a hang-up.
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
    """Watches sockets for FIN and RST. It does nothing without epoll, or for streams without a socket."""

    def __init__(self) -> None:
        self._watched: dict[int, Watch] = {}
        self._epoll: select.epoll | None = None
        if sys.platform == "linux":
            self._epoll = select.epoll()

    def watching(self, stream: trio.abc.Stream, notify: Callable[[], None]) -> Watch:
        """Call ``notify`` if the peer hangs up during a ``with`` block; ``hung_up`` of its ``Watch`` is then True.

        Args:
            stream: the stream, which must not be closed inside the block.
            notify: called at most once, in the task of ``run``.
        """
        return Watch(self, stream, notify)

    def add(self, descriptor: int, watch: Watch) -> None:
        """Begin to watch a socket. Called by ``Watch``."""
        if self._epoll is not None and sys.platform == "linux":
            self._epoll.register(descriptor, select.EPOLLRDHUP | select.EPOLLET)
            self._watched[descriptor] = watch

    def remove(self, descriptor: int) -> None:
        """Stop watching a socket; do nothing if it is not watched."""
        if self._watched.pop(descriptor, None) is not None and self._epoll is not None:
            with suppress(FileNotFoundError):
                self._epoll.unregister(descriptor)

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Report hang-ups until cancelled. Afterwards no socket is watched."""
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
    """The watching of one socket, as a context manager.

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
        """Record that the peer has hung up, and call ``notify``. Do nothing if it was recorded before."""
        if not self.hung_up:
            self.hung_up = True
            self._notify()
