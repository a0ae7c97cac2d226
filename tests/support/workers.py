"""Workers in one process: servers that a mesh connects."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import trio
from trio.testing import wait_all_tasks_blocked

from support.links import SocketLink
from support.wire import Wire
from trio_socketio import Server
from trio_socketio.workers._handover import WorkerSessions
from trio_socketio.workers._mesh import Mesh
from trio_socketio.workers._mesh_bus import MeshAdapter

__all__ = ["KEY", "Worker", "workers"]

KEY = bytes(range(32))


class Worker:
    """One worker.

    Attributes:
        mesh: its mesh.
        sessions: the handover of connections.
        io: its server.
        wire: opens connections to it.
        scope: ends its mesh, as the end of the process does.
    """

    wire: Wire

    def __init__(self, instance: int, **options: Any) -> None:
        self.mesh = Mesh(instance)
        self.sessions = WorkerSessions(self.mesh, KEY)
        self.adapter = MeshAdapter(self.mesh)
        self.io = Server(adapter=self.adapter, **options)
        self.scope = trio.CancelScope()

    async def run_mesh(self) -> None:
        with self.scope:
            await self.mesh.run()


def connect(one: Worker, other: Worker) -> None:
    """Make a socketpair between two workers."""
    ours, theirs = Mesh.pair()
    one.mesh.join(other.mesh.instance, ours)
    other.mesh.join(one.mesh.instance, theirs)


@asynccontextmanager
async def workers(
    count: int = 2,
    prepare: Callable[[Server], object] | None = None,
    *,
    connected: bool = True,
    **options: Any,
) -> AsyncIterator[list[Worker]]:
    """Run workers with the numbers 10, 11 and so on.

    Args:
        count: how many.
        prepare: called with each server before it runs.
        connected: whether they are connected to each other.
        **options: the options of the servers.
    """
    link = SocketLink()
    made = [Worker(10 + number, **options) for number in range(count)]
    async with trio.open_nursery() as nursery:
        for number, worker in enumerate(made):
            for other in made[:number] if connected else ():
                connect(worker, other)
            nursery.start_soon(worker.run_mesh)
            if prepare is not None:
                prepare(worker.io)
        async with AsyncExitStack() as stack:
            for worker in made:
                await stack.enter_async_context(worker.io)
                worker.io.join_workers(worker.sessions)
                worker.wire = Wire(worker.io, nursery, link)
                stack.push_async_callback(worker.wire.aclose)
            await wait_all_tasks_blocked()
            yield made
        nursery.cancel_scope.cancel()
    link.close()
