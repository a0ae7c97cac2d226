"""Commands that coredis executes, each with a client of its own over a connection that ``Dialer`` opens.

coredis does not connect itself, for two reasons. Deadlines, TLS and messages are those of all other connections. And a
connection of coredis that cannot connect leaves its buffers open, which Python reports as a ``ResourceWarning``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import anyio
import trio
from anyio.abc import ByteStream
from coredis import BaseConnection, ConnectionPool, Redis
from coredis.connection import Location
from coredis.exceptions import ConnectionError as ConnectionLost
from coredis.exceptions import ResponseError
from coredis.retry import NoRetryPolicy

from trio_socketio.adapters.cluster import BusError
from trio_socketio.adapters.redis._dial import Dialer, name_of
from trio_socketio.adapters.redis._url import Address, Credentials

__all__ = ["execute"]

T = TypeVar("T")

#: How many bytes a server may send to a client. The map of a cluster of 1000 nodes has about 200,000.
MAX_BYTES = 1_048_576


class OpenedStream(ByteStream):
    """A connection to a server, as coredis uses streams, with limits. When one is reached, the connection ends.

    There is no cancel scope around the client, because coredis logs a traceback when its login is cancelled.

    Args:
        stream: the connection.
        deadline: until when replies may come, by Trio's clock.
    """

    def __init__(self, stream: trio.abc.Stream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline
        self._received = 0

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """See ``anyio.abc.ByteReceiveStream.receive``. coredis always waits here for replies, also while it sends."""
        with trio.move_on_at(self._deadline):
            try:
                data = await self._stream.receive_some(max_bytes)
            except (OSError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise _lost(error) from error
            if not data:
                raise anyio.BrokenResourceError("has closed the connection")
            self._received += len(data)
            if self._received > MAX_BYTES:
                raise anyio.BrokenResourceError(f"sends more than {MAX_BYTES} bytes")
            return bytes(data)
        raise anyio.BrokenResourceError("does not answer in time")

    async def send(self, item: bytes) -> None:
        """See ``anyio.abc.ByteSendStream.send``."""
        try:
            await self._stream.send_all(item)
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise _lost(error) from error

    async def send_eof(self) -> None:
        """Not supported, and not used by coredis."""
        raise NotImplementedError("coredis ends no half of a connection")

    async def aclose(self) -> None:
        """Close the connection without waiting for the server."""
        await trio.aclose_forcefully(self._stream)


def _lost(error: Exception) -> anyio.BrokenResourceError:
    return anyio.BrokenResourceError(f"is lost: {error.__cause__ or error}")


@dataclass(unsafe_hash=True, repr=False)
class Opened(Location):
    """An opened connection, which is what coredis calls the location of a server.

    Attributes:
        name: where it leads.
        stream: the connection.
    """

    name: str
    stream: OpenedStream

    def __repr__(self) -> str:
        return self.name

    async def check(self) -> bool:
        """See ``Location.check``."""
        await trio.lowlevel.checkpoint()
        return True


class OpenedConnection(BaseConnection):
    """A connection of coredis over an opened connection."""

    location: Opened

    def describe(self) -> str:
        """See ``BaseConnection.describe``."""
        return self.location.name

    async def _connect(self) -> ByteStream:
        return self.location.stream


async def execute(
    dialer: Dialer, address: Address, command: str, send: Callable[[Redis[bytes]], Awaitable[T]]
) -> T:
    """Connect to a server, log in, and execute one command. coredis logs in with HELLO, which Redis 6 has.

    Args:
        dialer: opens the connection, and has the user, and the timeout for all of this.
        address: the address of the server.
        command: the name of the command, for messages.
        send: executes the command with a client.

    Returns:
        The reply as ``send`` returns it.

    Raises:
        OSError: the server cannot be reached, refuses the user or the command, or does not reply in time.
    """
    name = name_of(address)
    opened: Opened | None = None
    deadline = trio.current_time() + dialer.timeout
    with trio.move_on_at(deadline):
        opened = Opened(name, OpenedStream(await dialer.connect(address), deadline))
    if opened is None:
        raise BusError(f"{name} does not answer in time")
    try:
        return await _execute(opened, dialer.credentials, command, send)
    finally:
        await opened.stream.aclose()


async def _execute(
    opened: Opened, user: Credentials, command: str, send: Callable[[Redis[bytes]], Awaitable[T]]
) -> T:
    pool = ConnectionPool(
        connection_class=OpenedConnection,
        location=opened,
        username=user.username,
        password=user.password,
        max_connections=1,
    )
    replies: list[T] = []
    failure: Exception | None = None
    async with Redis[bytes](connection_pool=pool, retry_policy=NoRetryPolicy()) as client:
        try:
            replies.append(await send(client))
        except Exception as error:  # with a malformed reply it may be any
            failure = error  # raised outside, because the client would put it into a group
    match failure:
        case None:
            return replies[0]
        case ResponseError():
            reason = f"refuses {command}: {failure}"
        case ConnectionLost(__cause__=anyio.BrokenResourceError() as cause):
            reason = str(cause)
        case ConnectionLost():
            reason = f"does not answer: {failure}"
        case _:
            reason = f"sends malformed replies: {str(failure)[:100]}"
    raise BusError(f"{opened.name} {reason}") from failure
