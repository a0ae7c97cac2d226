"""A server for real clients to talk to, and what its handlers see."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import trio

from trio_socketio import Namespace, Server, Socket

#: Seconds that anything a test waits for may take.
DEADLINE = 10.0

T = TypeVar("T")


class Mailbox(Generic[T]):
    """What has been seen and not been looked at yet, in order."""

    def __init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[T](math.inf)

    def put(self, item: T) -> None:
        self._send.send_nowait(item)

    async def get(self) -> T:
        with trio.fail_after(DEADLINE):
            return await self._receive.receive()

    def __len__(self) -> int:
        return self._send.statistics().current_buffer_used


def make_server(**options: Any) -> Server:
    """A server for clients of every version.

    Its heartbeat is short: python-socketio's client, when it disconnects, sometimes ends its writing task before that
    has sent the close packet, and then waits for a ping.
    """
    return Server(**{"allow_eio3": True, "ping_interval": 3.0, **options})


@asynccontextmanager
async def serving(io: Server, port: int = 0) -> AsyncIterator[str]:
    """``async with serving(io) as url:`` a server that listens on the loopback interface."""
    async with trio.open_nursery() as nursery:
        listeners: Sequence[trio.SocketListener] = await nursery.start(io.serve, "127.0.0.1", port)
        yield f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


def connections(namespace: Server | Namespace) -> Mailbox[Socket]:
    """The sockets of a namespace, as they connect."""
    sockets: Mailbox[Socket] = Mailbox()

    @namespace.on("connection")
    def connection(socket: Socket) -> None:
        sockets.put(socket)

    return sockets


def disconnections(namespace: Server | Namespace) -> Mailbox[tuple[str, str]]:
    """The ids of a namespace's sockets, as they disconnect, and why."""
    ends: Mailbox[tuple[str, str]] = Mailbox()

    @namespace.on("disconnect")
    def disconnect(socket: Socket, reason: str) -> None:
        ends.put((socket.id, str(reason)))

    return ends


def arrivals(namespace: Server | Namespace) -> Mailbox[str]:
    """The ids of the sockets that send the event "here"; see ``JsClient.at_rest``."""
    ids: Mailbox[str] = Mailbox()

    @namespace.on("here")
    def here(socket: Socket) -> None:
        ids.put(socket.id)

    return ids


def echoes(namespace: Server | Namespace) -> None:
    """Acknowledge the event "echo" with its arguments."""

    @namespace.on("echo")
    def echo(socket: Socket, *args: Any) -> tuple[Any, ...]:
        return args
