"""The TLS handshakes of one server, a few at a time, so that many new clients do not delay the open ones."""

from __future__ import annotations

import time
from collections import OrderedDict

import trio

from trio_socketio._signal import Signal

__all__ = ["TlsHandshakes"]

#: If a pass of Trio's scheduler takes longer than this, in seconds, fewer handshakes begin in the next one.
PASS_SECONDS = 0.003


class TlsHandshakes:
    """Does TLS handshakes, each in the task of its connection.

    Args:
        timeout: how long a client may take, in seconds.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._scopes: set[trio.CancelScope] = set()
        self._waiting: OrderedDict[trio.lowlevel.Task, None] = OrderedDict()
        self._work = Signal()
        self._is_stopping = False

    def stop(self) -> None:
        """End the handshakes, because the server stops."""
        self._is_stopping = True
        for scope in self._scopes:
            scope.cancel()

    async def shake_hands(self, stream: trio.SSLStream[trio.abc.Stream]) -> None:
        """Do the handshake of a stream. ``run`` must be running.

        The time in which the client waits for its turn does not count.

        Raises:
            trio.BrokenResourceError: the handshake has failed.
            trio.TooSlowError: the client has taken too long, or the server stops.

        Cancellation: afterwards the stream can only be closed.
        """
        with trio.CancelScope() as scope:
            if self._is_stopping:
                scope.cancel()
            self._scopes.add(scope)
            try:
                with trio.fail_after(self._timeout) as beginning:
                    await _wait_for_data(stream.transport_stream)
                left = beginning.deadline - trio.current_time()
                await self._turn()
                with trio.fail_after(left):
                    await stream.do_handshake()
            finally:
                self._scopes.discard(scope)
        if scope.cancelled_caught:
            raise trio.TooSlowError

    async def _turn(self) -> None:
        """Wait until ``run`` wakes this task."""
        task = trio.lowlevel.current_task()
        self._waiting[task] = None
        self._work.set()

        def abort(_: trio.lowlevel.RaiseCancelT) -> trio.lowlevel.Abort:
            del self._waiting[task]
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Wake waiting tasks until cancelled: in each pass of the scheduler, as many as it has time for."""
        while True:
            await self._work.wait()
            count = 1
            while self._waiting:
                began = time.perf_counter()
                for _ in range(min(count, len(self._waiting))):
                    trio.lowlevel.reschedule(self._waiting.popitem(last=False)[0])
                await trio.lowlevel.checkpoint()
                count = count + 1 if time.perf_counter() - began < PASS_SECONDS else max(1, count // 2)


async def _wait_for_data(stream: trio.abc.Stream) -> None:
    if isinstance(stream, trio.SocketStream):
        await trio.lowlevel.wait_readable(stream.socket)
