"""The handover of connections between workers: a request reaches the worker that has its session."""

from __future__ import annotations

import logging
import os
import socket

import trio

from trio_socketio.net import Serve
from trio_socketio.workers._mesh import Mesh
from trio_socketio.workers._peer import Peer
from trio_socketio.workers._session_ids import SessionIds

__all__ = ["WorkerSessions"]

LOG = logging.getLogger("trio_socketio.workers")

#: How long a connection waits to be handed over, in seconds.
HANDOVER_TIMEOUT = 1.0


class WorkerSessions:
    """Which worker has which session, for ``Serving.join_workers``. It implements ``OtherProcesses``.

    Args:
        mesh: the mesh of this worker.
        key: the key of session ids, which all workers share.

    Attributes:
        sent: how many connections were handed over to other workers.
        received: how many connections other workers have handed over to this one.
    """

    def __init__(self, mesh: Mesh, key: bytes) -> None:
        self.sent = self.received = 0
        self._mesh = mesh
        self._ids = SessionIds(mesh.instance, key)
        self._serve: Serve
        self.make_id = self._ids.make

    def own(self, sid: str) -> bool:
        """See ``OtherProcesses.own``. The number of this worker is not in the mesh."""
        peer = self._peer(sid)
        return peer is not None and not peer.is_foreign

    def _peer(self, sid: str) -> Peer | None:
        instance = self._ids.read(sid)
        return None if instance is None else self._mesh.peers.get(instance)

    def take_new_sessions(self) -> bool:
        """See ``OtherProcesses.take_new_sessions``."""
        return self._heir() is not None

    def _heir(self) -> Peer | None:
        """Return the worker that has joined last, of those that run. In a rolling restart, it is a new one."""
        return next((peer for peer in reversed(self._mesh.peers.values()) if peer.is_ours), None)

    async def hand_over(self, sid: str, descriptor: int, received: bytes) -> bool:
        """See ``OtherProcesses.hand_over``."""
        peer = self._peer(sid) if sid else self._heir()
        if peer is None:
            await trio.lowlevel.checkpoint()
            return False
        deadline = trio.current_time() + HANDOVER_TIMEOUT
        if not peer.is_ours:
            with trio.move_on_at(deadline):
                await peer.greeted()
            if not peer.is_ours:
                return False
        is_sent = await peer.outgoing.hand_over(descriptor, received, deadline)
        self.sent += is_sent
        return is_sent

    def begin(self, serve: Serve) -> None:
        """See ``OtherProcesses.begin``."""
        self._serve = serve
        self._mesh.take_connection = self._take

    def _take(self, descriptor: int, received: bytes) -> None:
        """Serve a connection of another worker. If it is none, close it."""
        connection = _connection(descriptor) if received else None
        if connection is None:
            os.close(descriptor)
            LOG.error("another worker has sent something that is no connection")
            return
        self.received += 1
        self._serve(trio.SocketStream(trio.socket.from_stdlib_socket(connection)), received)


def _connection(descriptor: int) -> socket.socket | None:
    """Return the connected socket with this descriptor; None if it is none, and then the descriptor stays open."""
    try:
        connection = socket.socket(fileno=descriptor)
    except OSError:
        return None
    if (
        connection.family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)
        and connection.type == socket.SOCK_STREAM
        and not connection.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    ):
        connection.setblocking(False)
        return connection
    connection.detach()
    return None
