"""Clients without I/O of a running server, and the tasks that the server runs for their sockets."""

from __future__ import annotations

import trio

from support.message_host import MessageHost
from trio_socketio import Server

__all__ = ["open_client", "tasks_of_sockets"]


def tasks_of_sockets() -> list[str]:
    """Return the names of all tasks that were started for a socket."""
    nurseries = list(trio.lowlevel.current_root_task().child_nurseries)  # type: ignore[union-attr]
    names = []
    while nurseries:
        for task in nurseries.pop().child_tasks:
            names.append(task.name)
            nurseries += task.child_nurseries
    return sorted(
        name for name in names if name.endswith(("of a socket", "of sockets", "socket in /", "farewell in /"))
    )


def open_client(io: Server) -> MessageHost:
    """Return a client that has joined the main namespace. Its host has the same cost for every server."""
    host = MessageHost.open(
        io._require_runtime().engine, "/socket.io/?EIO=4&transport=websocket", trio.current_time()
    )
    host.deliver("40", trio.current_time())
    host.sent.clear()
    return host
