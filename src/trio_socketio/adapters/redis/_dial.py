"""Opening connections to Redis servers: TCP or a Unix socket, TLS, and the user."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import trio

from trio_socketio.adapters.cluster import BusError
from trio_socketio.adapters.redis._commands import Commands
from trio_socketio.adapters.redis._direct_stream import DirectStream
from trio_socketio.adapters.redis._resp import MAX_REPLY_BYTES, CommandError, RespConnection
from trio_socketio.adapters.redis._subscriber import Subscriber
from trio_socketio.adapters.redis._url import Address, Credentials

__all__ = ["Dialer", "name_of"]

#: After how many seconds of silence, and how often then, the kernel checks that an idle connection still exists.
KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_PROBES = 15, 5, 3


#: A connection to a server, without or with TLS.
OpenStream: TypeAlias = DirectStream | trio.SSLStream[trio.SocketStream]


@dataclass(frozen=True)
class Dialer:
    """Opens connections.

    Attributes:
        credentials: the user.
        database: the number of the database.
        ssl_context: the TLS context; None without TLS.
        timeout: how long opening a connection may take, and each call of a ``Commands``, in seconds.
    """

    credentials: Credentials
    database: int
    ssl_context: ssl.SSLContext | None
    timeout: float

    async def commands(self, address: Address, *, max_reply_bytes: int = MAX_REPLY_BYTES) -> Commands:
        """Connect to a server, and log in.

        Args:
            address: the address of the server.
            max_reply_bytes: the largest reply.

        Raises:
            OSError: the server cannot be reached, its certificate is not valid for the host, it refuses the user, or it
                does not reply in time.
        """
        name = name_of(address)
        with trio.move_on_after(self.timeout):
            stream = await self.connect(address)
            connection = RespConnection(
                stream, name, max_reply_bytes=max_reply_bytes, interrupt=_closing(stream)
            )
            try:
                commands = Commands(connection, self.timeout)
                await self._log_in(commands)
            except BaseException:
                await connection.aclose()
                raise
            return commands
        raise BusError(f"{name} does not answer within {self.timeout:g} s")

    async def connect(self, address: Address) -> OpenStream:
        """Connect to a server, with TLS if there is a context, but without logging in. The caller sets a deadline.

        Raises:
            OSError: the server cannot be reached, or its certificate is not valid for the host.
        """
        stream = await _open(address)
        if self.ssl_context is None or isinstance(address, str):
            return DirectStream(socket.socket(fileno=stream.socket.detach()))
        return await _encrypt(stream, self.ssl_context, address[0], name_of(address))

    async def subscriber(self, address: Address) -> Subscriber:
        """Connect to a server for subscriptions, and log in; see ``commands``."""
        commands = await self.commands(address)
        return Subscriber(commands.connection, self.timeout)

    async def _log_in(self, commands: Commands) -> None:
        words = [b"AUTH"]
        if self.credentials.username is not None:
            words.append(self.credentials.username.encode())
        if self.credentials.password is not None:
            words.append(self.credentials.password.encode())
            await _must(commands, *words)
        if self.database:
            await _must(commands, b"SELECT", b"%d" % self.database)
        await _must(commands, b"PING")


async def _must(commands: Commands, *words: bytes) -> None:
    try:
        await commands.execute(*words)
    except CommandError as error:
        name = commands.connection.name
        raise BusError(f"{name} refuses {words[0].decode()}: {error}") from None


def _closing(stream: OpenStream) -> Callable[[], object]:
    """Return the function that closes the socket of a stream without waiting."""
    return stream.close if isinstance(stream, DirectStream) else stream.transport_stream.socket.close


def name_of(address: Address) -> str:
    """Return where an address leads, for messages."""
    return f"redis at {address}" if isinstance(address, str) else f"redis at {address[0]}:{address[1]}"


async def _open(address: Address) -> trio.SocketStream:
    if isinstance(address, str):
        return await trio.open_unix_socket(address)
    try:
        stream = await trio.open_tcp_stream(*address)
    except UnicodeError as error:
        raise BusError(f"{name_of(address)} has an invalid host name: {error}") from error
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
    return stream


async def _encrypt(
    stream: trio.SocketStream, context: ssl.SSLContext, host: str, name: str
) -> trio.SSLStream[trio.SocketStream]:
    encrypted = trio.SSLStream(stream, context, server_hostname=host)
    try:
        await encrypted.do_handshake()
    except trio.BrokenResourceError as error:
        await trio.aclose_forcefully(stream)
        raise BusError(f"the TLS handshake with {name} failed: {error.__cause__ or error}") from error
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return encrypted
