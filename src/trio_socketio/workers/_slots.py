"""Slots: each has listening sockets, and one worker at a time that serves them."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Sequence

import trio

from trio_socketio.adapters.cluster import Backoff
from trio_socketio.workers._fleet import Fleet
from trio_socketio.workers._process import WorkerProcess

__all__ = ["Slot", "StartFailed"]

LOG = logging.getLogger("trio_socketio.workers")

#: The shortest and the longest time from the end of a worker to the start of the next one, in seconds.
SHORTEST_DELAY, LONGEST_DELAY = 0.05, 30.0

#: After a worker has served for this time, in seconds, its slot begins with the shortest delay again.
STABLE_AFTER = 10.0


class StartFailed(Exception):
    """A worker does not serve. The message is a sentence for the user.

    Attributes:
        traceback: the traceback of the application's exception; empty if there is none.
    """

    def __init__(self, reason: str, traceback: str = "") -> None:
        super().__init__(reason)
        self.traceback = traceback

    def log(self, consequence: str) -> None:
        """Log the failure, and what follows from it."""
        if self.traceback:
            LOG.error("%s", self.traceback.rstrip())
        LOG.error("%s: %s", consequence, self)


class Slot:
    """The place of one worker. When the worker ends, the slot starts another one.

    Args:
        number: the number of the slot.
        sockets: its listening sockets.
        fleet: starts processes.
        changed: called after ``worker`` has changed.
        start_timeout: how long a worker may take until it serves, in seconds.
        drain_timeout: how long a replaced worker may drain, in seconds.

    Attributes:
        number: the number of the slot.
        worker: the worker that serves the sockets; None if there is none.
    """

    def __init__(
        self,
        number: int,
        sockets: Sequence[socket.socket],
        fleet: Fleet,
        changed: Callable[[], None],
        *,
        start_timeout: float,
        drain_timeout: float,
    ) -> None:
        self.number = number
        self.worker: WorkerProcess | None = None
        self._sockets = sockets
        self._fleet = fleet
        self._changed = changed
        self._start_timeout = start_timeout
        self._drain_timeout = drain_timeout
        self._backoff = Backoff(SHORTEST_DELAY, LONGEST_DELAY)
        self._starting = trio.Lock()
        self._waiting = trio.CancelScope()
        self._borrower: WorkerProcess | None = None

    # starting

    async def start(self) -> None:
        """Start a worker, and wait until it serves.

        Raises:
            StartFailed: the worker does not serve. Its process has ended.
        """
        async with self._starting:
            if self.worker is None:
                self.worker = await self._new_worker()
        self._changed()

    async def _new_worker(self) -> WorkerProcess:
        try:
            worker = await self._fleet.start(self.number, len(self._sockets))
        except (OSError, ValueError) as error:
            raise StartFailed(f"the process of a worker cannot be started: {error}") from None
        with trio.move_on_after(self._start_timeout):
            await self._fleet.connect(worker, self._sockets)
        if worker.is_serving:
            LOG.info("%s serves", worker)
            return worker
        reason = worker.failure or f"{worker} did not serve within {self._start_timeout:g} s"
        await self._fleet.end(worker, 0)
        raise StartFailed(reason, worker.traceback)

    async def keep(self) -> None:
        """Start another worker each time that the worker has ended, or wants to; until cancelled."""
        while True:
            if (worker := self.worker) is not None:
                with trio.CancelScope() as self._waiting:
                    await worker.leaving.wait()
                if self.worker is not worker:
                    pass  # it was replaced at the same moment
                elif worker.ended.is_set():
                    self._lose_worker(worker)
                else:
                    await self._relieve(worker)
            if self.worker is None:
                await trio.sleep(self._backoff.next())
                try:
                    await self.start()
                except StartFailed as error:
                    error.log(f"slot {self.number} has no worker")

    def _lose_worker(self, worker: WorkerProcess) -> None:
        if worker.served_seconds >= STABLE_AFTER:
            self._backoff.reset()
        LOG.error(
            "%s %s after %.1f s; the next one is started",
            worker,
            worker.describe_end(),
            worker.served_seconds,
        )
        self.worker = None
        self._changed()

    async def _relieve(self, worker: WorkerProcess) -> None:
        """Start a successor of a worker that wants to stop, and then let it stop, also if there is no successor."""
        LOG.info("%s has got a signal to stop: its successor is started first", worker)
        async with self._starting:
            if self.worker is not worker:
                return
            try:
                self._install(await self._new_worker())
            except StartFailed as failure:
                failure.log(f"slot {self.number} has no worker")
                self._install(None)
        self._fleet.retire(worker, self._drain_timeout)

    async def replace(self) -> None:
        """Start another worker; when it serves, let the former one stop, and wait for its end.

        Raises:
            StartFailed: the new worker does not serve. The former one goes on.
        """
        async with self._starting:
            successor = await self._new_worker()
            former = self.worker
            self._install(successor)
            self._waiting.cancel()
        if former is not None:
            await self._fleet.end(former, self._drain_timeout)

    def _install(self, successor: WorkerProcess | None) -> None:
        """Let another worker, or none, serve the sockets in place of the present one. Its sessions go on."""
        former, self.worker = self.worker, successor
        if former is not None:
            former.leave_sockets()
        self._changed()

    # loans

    @property
    def is_unserved(self) -> bool:
        """Whether no worker accepts the connections of the slot."""
        return self.worker is None and (self._borrower is None or not self._borrower.is_serving)

    def lend(self, borrower: WorkerProcess) -> None:
        """Let the worker of another slot accept the connections of this slot, until it has a worker again."""
        self._borrower = borrower
        borrower.listen(self.number, self._sockets)
        LOG.warning("%s serves the connections of slot %d meanwhile", borrower, self.number)

    def recall(self) -> None:
        """End the loan, if the slot has a worker again."""
        if self.worker is not None and self._borrower is not None:
            self._borrower.unlisten(self.number)
            self._borrower = None
