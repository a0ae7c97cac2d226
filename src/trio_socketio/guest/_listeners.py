"""Open the listeners of a guest."""

from __future__ import annotations

import errno
import os
import socket as sockets
import ssl
from dataclasses import dataclass
from typing import Any

import trio

from trio_socketio.serving import open_listeners

__all__ = ["Address"]

_WORKERS = (
    "; with several worker processes (uvicorn --workers), pass reuse_port=True and let clients use WebSocket alone, "
    "or run Socket.IO in one process"
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen, and how; see ``Server.guest``."""

    host: str | bytes | None
    port: int
    ssl_context: ssl.SSLContext | None
    backlog: int | None
    reuse_port: bool

    async def open(self) -> list[trio.abc.Listener[Any]]:
        """Bind the port, and listen.

        Raises:
            OSError: the port cannot be bound. The text says what to do if other processes use it.
        """
        try:
            if self.reuse_port:
                return await self._open_shared()
            return list(await open_listeners(self.host, self.port, self.ssl_context, self.backlog))
        except OSError as error:
            name = self.host.decode(errors="backslashreplace") if isinstance(self.host, bytes) else self.host
            remedy = _WORKERS if error.errno == errno.EADDRINUSE else ""
            raise OSError(
                error.errno, f"cannot listen on {name or '*'}:{self.port}: {error.strerror or error}{remedy}"
            ) from None

    async def _open_shared(self) -> list[trio.abc.Listener[Any]]:
        """Listen with SO_REUSEPORT: the kernel spreads new connections over the processes that listen."""
        found = await trio.socket.getaddrinfo(
            self.host, self.port, type=sockets.SOCK_STREAM, flags=sockets.AI_PASSIVE
        )
        listeners: list[trio.abc.Listener[Any]] = []
        try:
            for family, kind, protocol, _, address in found:
                listener = await self._listen(family, kind, protocol, address)
                if listener is not None:
                    listeners.append(listener)
            if not listeners:
                raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
        except BaseException:
            for listener in listeners:
                await trio.aclose_forcefully(listener)
            raise
        return listeners

    async def _listen(
        self, family: int, kind: int, protocol: int, address: Any
    ) -> trio.abc.Listener[Any] | None:
        """Return a listener; None if the system does not support the family of the address, such as IPv6."""
        try:
            socket = trio.socket.socket(family, kind, protocol)
        except OSError as error:
            if error.errno == errno.EAFNOSUPPORT:
                return None
            raise
        try:
            socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
            socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEPORT, 1)
            if family == sockets.AF_INET6:
                socket.setsockopt(sockets.IPPROTO_IPV6, sockets.IPV6_V6ONLY, 1)
            await socket.bind(address)
            socket.listen(min(self.backlog or 0xFFFF, 0xFFFF))
        except BaseException:
            socket.close()
            raise
        listener = trio.SocketListener(socket)
        if self.ssl_context is None:
            return listener
        return trio.SSLListener(listener, self.ssl_context, https_compatible=True)
