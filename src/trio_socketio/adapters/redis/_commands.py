"""Commands and their replies on one connection, which several tasks share."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import trio

from trio_socketio.adapters.cluster import BusError, BusRefused
from trio_socketio.adapters.redis._resp import CommandError, Reply, RespConnection, pack

__all__ = ["Commands"]

#: How many replies may be missing on a connection. Those of cancelled calls count.
MOST_MISSING = 10_000


class Call:
    """Commands that were sent together, and their replies so far."""

    __slots__ = ("missing", "replies", "task")

    def __init__(self, missing: int) -> None:
        self.missing = missing
        self.replies: list[Reply] = []
        self.task: trio.lowlevel.Task | None = None  #: the caller, while it waits and another caller reads

    def wake(self) -> None:
        """Wake the caller if it waits."""
        if self.task is not None:
            trio.lowlevel.reschedule(self.task)
            self.task = None


class Commands:
    """Executes commands. There is no task for reading: each caller reads until its own replies are there.

    Replies come in the order of the commands. When a call is cancelled, its replies are dropped as they arrive.

    Args:
        connection: the connection.
        timeout: how long a call may take, in seconds. Afterwards the connection ends.

    Attributes:
        connection: the connection.
        timeout: how long a call may take, in seconds.
    """

    def __init__(self, connection: RespConnection, timeout: float) -> None:
        self.connection = connection
        self.timeout = timeout
        self._calls: deque[Call] = deque()
        self._missing = 0
        self._sending = trio.Lock()
        self._is_reading = False

    async def execute(self, *words: bytes, timeout: float | None = None) -> Reply:
        """Execute one command.

        Args:
            *words: the name of the command and its arguments.
            timeout: how long the reply may take, in seconds; None: as long as for other commands.

        Raises:
            CommandError: the reply is an error.
            BusError: the connection has ended, or the reply did not come in time.
        """
        reply = (await self.execute_packed(pack(*words), 1, timeout))[0]
        if isinstance(reply, CommandError):
            raise reply
        return reply

    async def execute_packed(self, data: bytes, count: int, timeout: float | None = None) -> Sequence[Reply]:
        """Execute several commands, and return their replies. Error replies are among them, and are not raised.

        Args:
            data: the packed commands.
            count: their number.
            timeout: how long all replies may take, in seconds; None: as long as for other commands.

        Raises:
            BusRefused: too many replies are missing. The commands were not sent, and the connection still works.
            BusError: the connection has ended, or the replies did not come in time.
        """
        seconds = self.timeout if timeout is None else timeout
        with trio.move_on_after(seconds):
            return await self.exchange(data, count)
        raise self.connection.fail(f"does not reply within {seconds:g} s")

    async def exchange(self, data: bytes, count: int) -> Sequence[Reply]:
        """Execute several commands as ``execute_packed`` does, without a limit of time."""
        call = Call(count)
        await self._send(data, call)
        while call.missing:
            if self._is_reading:
                await self._wait(call)
            else:
                await self._read(call)
        return call.replies

    async def _send(self, data: bytes, call: Call) -> None:
        await _acquire(self._sending)
        try:
            self.connection.check()
            if self._missing + call.missing > MOST_MISSING:
                raise self._refusal(f"owes more than {MOST_MISSING} replies", call.missing)
            await trio.lowlevel.checkpoint_if_cancelled()
            self._calls.append(call)
            self._missing += call.missing
            await self.connection.send(data)
        finally:
            self._sending.release()

    def _refusal(self, reason: str, count: int) -> BusError:
        """Return the error of a call that is not sent. Without a caller that reads, the connection ends."""
        if self._is_reading:
            return BusRefused(f"{self.connection.name} {reason}", count)
        return self.connection.fail(reason)

    async def _read(self, call: Call) -> None:
        """Read until the replies of a call are there. Then the next caller reads whose replies are not."""
        self._is_reading = True
        try:
            while call.missing:
                self._take(await self.connection.read())
        finally:
            self._is_reading = False
            for other in self._calls:
                if other.task is not None:
                    other.wake()
                    break

    async def _wait(self, call: Call) -> None:
        """Wait while another caller reads: until the replies are there, or it is this caller's turn to read."""
        call.task = trio.lowlevel.current_task()

        def abort(_: trio.lowlevel.RaiseCancelT) -> trio.lowlevel.Abort:
            call.task = None
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def _take(self, replies: Sequence[Reply]) -> None:
        while replies:
            if not self._calls:
                raise self.connection.fail("sends replies without commands")
            call = self._calls[0]
            taken = replies[: call.missing]
            replies = replies[call.missing :]
            call.replies += taken
            call.missing -= len(taken)
            self._missing -= len(taken)
            if not call.missing:
                self._calls.popleft()
                call.wake()


async def _acquire(lock: trio.Lock) -> None:
    """Acquire a lock, without a checkpoint if it is free."""
    try:
        lock.acquire_nowait()
    except trio.WouldBlock:
        await lock.acquire()
