"""What a worker serves: the application's server, and what connects it to other workers."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from trio_socketio.engineio import generate_sid
from trio_socketio.server import EngineServer, Server
from trio_socketio.workers._handover import WorkerSessions
from trio_socketio.workers._mesh import Mesh
from trio_socketio.workers._mesh_bus import MeshAdapter
from trio_socketio.workers._protocol import Start
from trio_socketio.workers._target import TargetError, load

__all__ = ["Prepared", "prepare"]


def prepare(start: Start) -> Prepared:
    """Load the server, and connect it to the other workers.

    Raises:
        TargetError: the server cannot be served by workers.
        Exception: the application has raised it.
    """
    tls = _tls_context(start)
    server = load(start.target)
    obstacle = _obstacle(server, tls)
    if obstacle is not None:
        if start.workers > 1:
            raise TargetError(obstacle)
        return Prepared(server, tls, None)
    others = Others(start.instance, start.key)
    if start.workers > 1 and isinstance(server, Server):
        server.set_default_adapter(MeshAdapter(others.mesh))
    return Prepared(server, tls, others)


def _obstacle(server: Server | EngineServer, tls: ssl.SSLContext | None) -> str | None:
    """Return why the server cannot hand over connections to other workers; None if it can."""
    if server.config.generate_id is not generate_sid:
        return "generate_id cannot be used with more than one worker: session ids tell which worker has the session"
    if tls is not None and "polling" in server.config.transports:
        return (
            "TLS with polling cannot be used with more than one worker: the state of a TLS connection cannot move to "
            "the worker that has the session. Terminate TLS in a proxy, or set transports=['websocket']"
        )
    return None


def _tls_context(start: Start) -> ssl.SSLContext | None:
    if start.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # Without a password, OpenSSL would ask the terminal for it.
        context.load_cert_chain(start.certificate, start.private_key, password="")
    except (OSError, ssl.SSLError) as error:
        name = os.fsdecode(start.certificate)
        raise TargetError(f"the certificate {name} cannot be used: {error}") from None
    return context


class Others:
    """The other workers, and which of them has which session.

    Args:
        instance: the number of this worker.
        key: the key of session ids.
    """

    def __init__(self, instance: int, key: bytes) -> None:
        self.mesh = Mesh(instance)
        self.sessions = WorkerSessions(self.mesh, key)


class Prepared:
    """A server, and what connects it to other workers.

    Attributes:
        server: the application's server.
    """

    def __init__(
        self, server: Server | EngineServer, tls: ssl.SSLContext | None, others: Others | None
    ) -> None:
        self.server = server
        self._tls = tls
        self._others = others

    @property
    def hands_over(self) -> bool:
        """Whether another worker can open the sessions that clients ask for on connections of this one."""
        return self._others is not None and self._tls is None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the server, connected to the other workers until it has stopped."""
        async with trio.open_nursery() as nursery:
            if self._others is not None:
                nursery.start_soon(self._others.mesh.run, name="mesh")
            async with self.server:
                if self._others is not None:
                    self.server.join_workers(self._others.sessions)
                yield
            nursery.cancel_scope.cancel()

    def join(self, instance: int, descriptor: int) -> None:
        """Connect to another worker. The descriptor belongs to this object from now on."""
        if self._others is None:
            os.close(descriptor)
        else:
            self._others.mesh.join(instance, Mesh.adopt(descriptor))

    def leave(self, instance: int) -> None:
        """Disconnect from another worker, because its process has ended."""
        if self._others is not None:
            self._others.mesh.leave(instance)

    def listener(self, listening: socket.socket) -> trio.SocketListener | trio.SSLListener[trio.SocketStream]:
        """Return the listener of a socket, with TLS if there is a certificate."""
        plain = trio.SocketListener(trio.socket.from_stdlib_socket(listening))
        return plain if self._tls is None else trio.SSLListener(plain, self._tls, https_compatible=True)
