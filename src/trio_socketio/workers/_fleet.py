"""The processes of all workers: the parent starts them and connects each to all others."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence

import trio

from trio_socketio.workers._options import WorkersOptions
from trio_socketio.workers._process import WorkerProcess
from trio_socketio.workers._protocol import VERSION, Drain, Left, Start
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
        self._import_path = tuple(os.fsencode(os.path.abspath(path)) for path in sys.path)
        self._spawning = trio.Lock()  # a start needs descriptors for a moment
        self._connecting = trio.Lock()
        self._connected: dict[int, WorkerProcess] = {}
        self.alive: dict[int, WorkerProcess] = {}

    async def start(self, slot: int, sockets: int) -> WorkerProcess:
        """Start the process of a worker, which loads the application. Then call ``connect``.

        Args:
            slot: the number of its slot.
            sockets: how many listening sockets the slot has.

        Raises:
            OSError: the system lacks processes, memory or descriptors.
        """
        worker = WorkerProcess(self._numbers.take(), slot)
        try:
            message = self._start_message(worker, sockets)
            async with self._spawning:
                await worker.spawn()
        except BaseException:
            self._numbers.release(worker.instance)
            raise
        self.alive[worker.instance] = worker
        self._nursery.start_soon(self._watch, worker, name=str(worker))
        worker.tell(message)
        return worker

    def _start_message(self, worker: WorkerProcess, sockets: int) -> Start:
        options = self._options
        return Start(
            VERSION,
            worker.instance,
            worker.slot,
            self._key,
            workers=options.workers,
            sockets=sockets,
            target=options.target,
            import_path=self._import_path,
            certificate=_absolute(options.certificate),
            private_key=_absolute(options.key),
        )

    async def connect(self, worker: WorkerProcess, sockets: Sequence[socket.socket]) -> None:
        """Connect a worker that has loaded the application to the others, and wait until it serves or has failed to.

        The system limits how many descriptors may be on their way (to ``RLIMIT_NOFILE`` for all processes of a user),
        so that a worker gets its descriptors when it reads them, and only one worker at a time.
        """
        await worker.loaded.wait()
        async with self._connecting:
            if worker.ended.is_set():
                return
            for other in self._connected.values():
                worker.join(other)
            self._connected[worker.instance] = worker
            worker.listen(worker.slot, sockets)
            await worker.begun.wait()

    async def _watch(self, worker: WorkerProcess) -> None:
        try:
            await worker.watch()
        finally:
            del self.alive[worker.instance]
            if self._connected.pop(worker.instance, None) is not None:
                for other in self._connected.values():
                    other.tell(Left(worker.instance))
            self._numbers.release(worker.instance)

    async def drain(self, timeout: float) -> None:
        """Let all workers stop within ``timeout`` seconds and the time that a stop takes, and wait for their ends.

        Workers that take longer are killed.
        """
        workers = list(self.alive.values())
        async with trio.open_nursery() as nursery:
            for worker in workers:
                nursery.start_soon(self.end, worker, timeout)

    def retire(self, worker: WorkerProcess, timeout: float) -> None:
        """Let one worker stop, and do not wait for its end; see ``drain``."""
        self._nursery.start_soon(self.end, worker, timeout, name=f"end of {worker}")

    async def end(self, worker: WorkerProcess, timeout: float) -> None:
        """Let one worker stop, and wait for its end; see ``drain``. A worker that has not begun is killed."""
        if worker.begun.is_set():
            worker.tell(Drain(timeout))
        else:
            worker.kill()
        await worker.wait_ended(timeout)


def _absolute(path: str | os.PathLike[str] | None) -> bytes | None:
    return None if path is None else os.fsencode(os.path.abspath(path))
