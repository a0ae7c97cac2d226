"""A reactor with connections over socket pairs, whose transport and observer record their calls."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable
from typing import Any

from support.native import connection
from support.wire import client_frame
from trio_socketio._core import Connection, FlushList, Reactor, TimerWheel


def text(content: str) -> bytes:
    """Return a WebSocket frame of a client with a text message (packet type 4)."""
    return client_frame(1, b"4" + content.encode())


class Peer:
    """One connection with its transport and its observer, and the client end of its socket.

    Attributes:
        log: the calls so far: messages as they are, other calls as (name, argument).
        on_message: called with each entry, after it was logged.
    """

    def __init__(self, bench: Bench, ends: tuple[socket.socket, socket.socket] | None, **limits: Any) -> None:
        self.bench = bench
        self.log: list[Any] = []
        self.on_message: Callable[[Any], None] = lambda message: None
        self.link = connection(bench.wheel, **limits)
        self.link.open = True
        self.link.transport = self.link.observer = self
        if ends is not None:
            self.client, theirs = ends
            self.client.setblocking(False)
            theirs.setblocking(False)
            self.fd = theirs.detach()
            bench.clients.append(self.client)
            bench.reactor.add(self.link, self.fd)

    # the observer

    def text(self, data: bytes, now: float) -> None:
        self._note(data.decode())

    def binary(self, data: bytes, now: float) -> None:
        self._note(data)

    def _note(self, message: Any) -> None:
        self.log.append(message)
        self.on_message(message)

    # the transport

    def wake(self) -> None:
        """Do nothing: called if there is output and the connection is in no reactor."""

    def receive(self, packet: Any, now: float) -> None:
        self._note(("receive", packet))

    def ended(self) -> None:
        self._note(("ended", None))

    def broken(self, error: int) -> None:
        self._note(("broken", error))

    def flushed(self) -> None:
        self._note(("flushed", self.link.has_output))

    def failed(self, error: Exception) -> None:
        self._note(("failed", error))

    # the client

    def send(self, *frames: bytes) -> None:
        self.client.sendall(b"".join(frames))

    def read(self) -> bytes:
        """Return the bytes that have arrived."""
        try:
            return self.client.recv(1 << 20)
        except BlockingIOError:
            return b""

    def has_ended(self) -> bool:
        """Return whether the server has closed the socket. Call this after all bytes are read."""
        try:
            return self.client.recv(1) == b""
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True


class Bench:
    """A reactor and its connections."""

    def __init__(self, **options: Any) -> None:
        self.wheel = TimerWheel(0.0)
        self.flush_list = FlushList()
        self.told = 0
        self.flush_list.on_dirty = self._tell
        self.reactor = Reactor(self.flush_list, **{"turn_seconds": 10.0, **options})
        self.clients: list[socket.socket] = []

    def _tell(self) -> None:
        self.told += 1

    def peer(self, *, buffer: int = 0, **limits: Any) -> Peer:
        ends = socket.socketpair()
        if buffer:
            ends[1].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        return Peer(self, ends, **limits)

    def tcp_peer(self) -> Peer:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            client = socket.create_connection(listener.getsockname())
            return Peer(self, (client, listener.accept()[0]))

    def outsider(self) -> Connection:
        """Return a connection without a socket."""
        return Peer(self, None).link

    def turn(self, now: float = 0.0) -> bool:
        return self.reactor.turn(now)

    def settle(self, turns: int = 1000) -> int:
        """Run turns until there is no more work. Return the number of turns."""
        for number in range(turns):
            if not (self.reactor.turn(0.0) or self.reactor.has_dirty or self.is_ready()):
                return number + 1
        raise AssertionError("the reactor never comes to rest")

    def is_ready(self) -> bool:
        """Return whether a socket is ready."""
        return bool(select.select([self.reactor.epoll_fd], [], [], 0)[0])

    def close(self) -> None:
        self.reactor.close()
        for client in self.clients:
            client.close()


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


__all__ = ["Bench", "Connection", "Peer", "is_open", "text"]
