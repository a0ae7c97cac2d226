"""The processes of all workers: the parent starts them and connects each to all others."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence

import trio

from trio_socketio.workers._options import WorkersOptions
from trio_socketio.workers._process import WorkerProcess
from trio_socketio.workers._protocol import VERSION, Drain, Start
from trio_socketio.workers._session_ids import KEY_BYTES, InstanceNumbers

__all__ = ["Fleet"]


class Fleet:
    """The processes of all workers.

    Args:
        options: the options of ``serve_workers``.
        nursery: runs one task for each process.

    Attributes:
        alive: the workers whose processes run, by their instance numbers.
    """

    def __init__(self, options: WorkersOptions, nursery: trio.Nursery) -> None:
        self._options = options
        self._nursery = nursery
        self._numbers = InstanceNumbers()
        self._key = os.urandom(KEY_BYTES)
        self.alive: dict[int, WorkerProcess] = {}

    async def start(self, slot: int, sockets: Sequence[socket.socket]) -> WorkerProcess:
        """Start the process of a worker, and connect it to the others. It is not yet serving.

        Args:
            slot: the number of its slot.
            sockets: the listening sockets of the slot.

        Raises:
            OSError: the system lacks processes, memory or descriptors.
        """
        worker = WorkerProcess(self._numbers.take(), slot)
        try:
            await worker.spawn()
        except BaseException:
            self._numbers.release(worker.instance)
            raise
        self._nursery.start_soon(self._watch, worker, name=str(worker))
        self._connect(worker, sockets)
        return worker

    def _connect(self, worker: WorkerProcess, sockets: Sequence[socket.socket]) -> None:
        options = self._options
        start = Start(
            VERSION,
            worker.instance,
            worker.slot,
            self._key,
            workers=options.workers,
            sockets=len(sockets),
            target=options.target,
            import_path=tuple(os.path.abspath(path) for path in sys.path),
            certificate=None if options.certificate is None else os.path.abspath(options.certificate),
            private_key=None if options.key is None else os.path.abspath(options.key),
        )
        worker.begin(start)
        if options.workers > 1:
            for other in self.alive.values():
                worker.join(other)
        self.alive[worker.instance] = worker
        worker.listen(worker.slot, sockets)

    async def _watch(self, worker: WorkerProcess) -> None:
        try:
            await worker.watch()
        finally:
            self.alive.pop(worker.instance, None)
            self._numbers.release(worker.instance)

    async def drain(self, timeout: float) -> None:
        """Let all workers stop within ``timeout`` seconds and the time that a stop takes, and wait for their ends.

        Workers that take longer are killed.
        """
        workers = list(self.alive.values())
        async with trio.open_nursery() as nursery:
            for worker in workers:
                nursery.start_soon(self.end, worker, timeout)

    async def end(self, worker: WorkerProcess, timeout: float) -> None:
        """Let one worker stop, and wait for its end; see ``drain``. A worker that has not begun is killed."""
        if worker.begun.is_set():
            worker.tell(Drain(timeout))
        else:
            worker.kill()
        await worker.wait_ended(timeout)
