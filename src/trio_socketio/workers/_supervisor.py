"""The parent of all workers: starts them, replaces them, and stops them."""

from __future__ import annotations

import logging
from collections.abc import Callable

import trio

from trio_socketio.workers._fleet import Fleet
from trio_socketio.workers._options import WorkersOptions
from trio_socketio.workers._slots import Slot, StartFailed
from trio_socketio.workers._sockets import Slots

__all__ = ["Supervisor"]

LOG = logging.getLogger("trio_socketio.workers")


class Supervisor:
    """Keeps one worker in each slot.

    Args:
        options: the options of ``serve_workers``.
        sockets: the listening sockets of each slot. They belong to the caller.
    """

    def __init__(self, options: WorkersOptions, sockets: Slots) -> None:
        self._options = options
        self._sockets = sockets
        self._slots: list[Slot] = []
        self._keeping = trio.CancelScope()
        self._draining = trio.CancelScope()
        self._restart_asked = trio.Event()
        self._is_complete = False

    async def run(self, serving: Callable[[], None]) -> None:
        """Start all workers, and keep them until ``stop`` is called.

        Args:
            serving: called when all workers serve.

        Raises:
            StartFailed: one of the first workers does not serve. All of them have ended.

        Cancellation: the workers are killed.
        """
        failures: list[StartFailed] = []
        async with trio.open_nursery() as processes:
            fleet = Fleet(self._options, processes)
            self._slots = [self._slot(number, fleet) for number in range(self._options.workers)]
            with self._keeping:
                failures = await self._start_all()
                if not failures:
                    serving()
                    self._is_complete = True
                    await self._keep_all()
            with self._draining:
                await fleet.drain(0 if failures else self._options.drain_timeout)
            if fleet.alive:
                await fleet.drain(0)
        if failures:
            raise failures[0]

    def _slot(self, number: int, fleet: Fleet) -> Slot:
        return Slot(
            number,
            self._sockets[number],
            fleet,
            self._settle_loans,
            start_timeout=self._options.start_timeout,
            drain_timeout=self._options.drain_timeout,
        )

    async def _start_all(self) -> list[StartFailed]:
        """Start the first workers, and return the failure of one that does not serve."""
        failures: list[StartFailed] = []

        async def start(slot: Slot) -> None:
            try:
                await slot.start()
            except StartFailed as failure:
                failures.append(failure)
                nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            for slot in self._slots:
                nursery.start_soon(start, slot, name=f"slot {slot.number}")
        return failures

    async def _keep_all(self) -> None:
        async with trio.open_nursery() as nursery:
            for slot in self._slots:
                nursery.start_soon(slot.keep, name=f"slot {slot.number}")
            nursery.start_soon(self._restart_when_asked)

    # rolling restarts

    def restart(self) -> None:
        """Replace all workers, one after the other, when all of them serve. If this is happening, do it once more."""
        self._restart_asked.set()

    async def _restart_when_asked(self) -> None:
        while True:
            await self._restart_asked.wait()
            self._restart_asked = trio.Event()
            await self._replace_all()

    async def _replace_all(self) -> None:
        for count, slot in enumerate(self._slots):
            try:
                await slot.replace()
            except StartFailed as failure:
                failure.log(
                    f"the new code does not start, so {count} of {len(self._slots)} workers were replaced and "
                    "the others stay"
                )
                return
        LOG.info("all workers are replaced")

    # loans

    def _settle_loans(self) -> None:
        """Lend the sockets of slots without a worker to workers of other slots, and take back the others."""
        if not self._is_complete:  # the first workers are still starting
            return
        for slot in self._slots:
            slot.recall()
        for slot in self._slots:
            workers = [other.worker for other in self._slots if other.worker and other.worker.is_serving]
            if slot.is_unserved and workers:
                slot.lend(min(workers, key=lambda worker: worker.load))

    # stopping

    def stop(self) -> None:
        """Let all workers drain. If they do already, let them stop at once."""
        if self._keeping.cancel_called:
            self._draining.cancel()
        self._keeping.cancel()
