"""One worker, as its parent sees it: a process, and messages to and from it."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence

import trio

from trio_socketio.workers._packet import BadPacket
from trio_socketio.workers._pair import Pair, PairClosed
from trio_socketio.workers._protocol import (
    CONTROL_BYTES,
    Control,
    Failed,
    Join,
    Leaving,
    Listen,
    Loaded,
    Message,
    Serving,
    Unlisten,
)

__all__ = ["WorkerProcess"]

LOG = logging.getLogger("trio_socketio.workers")

#: How long a process may take to end after it has closed its pair, in seconds.
EXIT_TIMEOUT = 10.0


#: How much longer than it should a worker may take to stop before it is killed, in seconds.
STOP_MARGIN = 5.0


class WorkerProcess:
    """The process of one worker, from its start to its end.

    Args:
        instance: the number of this worker, which no other one has at the same time.
        slot: the number of its slot.

    Attributes:
        instance: the number of this worker.
        slot: the number of its slot.
        loaded: set when the worker has loaded the application, or has failed to.
        begun: set when the worker serves, or has failed to.
        leaving: set when the worker has asked for a successor, or has ended.
        ended: set when the process has ended.
        failure: why the worker could not start, in a sentence; None if it could.
        traceback: the traceback of the failure, or an empty text.
        stop_timeout: how long the worker may take to stop after it has drained, in seconds.
    """

    def __init__(self, instance: int, slot: int) -> None:
        self.instance = instance
        self.slot = slot
        self.loaded = trio.Event()
        self.begun = trio.Event()
        self.leaving = trio.Event()
        self.ended = trio.Event()
        self.failure: str | None = None
        self.traceback = ""
        self.stop_timeout = 5.0
        self._slots: set[int] = set()
        self._is_leaving = False
        self._serving_since: float | None = None
        self._process: trio.Process | None = None
        self._control: Control

    def __str__(self) -> str:
        return f"worker {self.slot} (pid {self.pid})"

    @property
    def pid(self) -> int | None:
        """The id of the process."""
        return None if self._process is None else self._process.pid

    @property
    def is_serving(self) -> bool:
        """Whether the worker accepts connections: it has begun, was not told to leave, and has not ended."""
        return self._serving_since is not None and not self._is_leaving and not self.ended.is_set()

    @property
    def load(self) -> int:
        """On the sockets of how many slots the worker accepts connections."""
        return len(self._slots)

    @property
    def served_seconds(self) -> float:
        """How long ago the worker began to serve."""
        return 0.0 if self._serving_since is None else trio.current_time() - self._serving_since

    async def spawn(self) -> None:
        """Start the process.

        Raises:
            OSError: the system lacks processes, memory or descriptors.
        """
        ours, theirs = Pair.make(CONTROL_BYTES)
        self._control = Control(ours)
        # -P: modules come from the parent's path, and not from any directory that the parent happens to be in
        command = [sys.executable, "-P", "-m", "trio_socketio", "worker", str(theirs.fileno())]
        try:
            # In a process group of its own, it does not get the SIGINT of a terminal. The parent tells it what to do.
            self._process = await trio.lowlevel.open_process(
                command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], process_group=0
            )
        except BaseException:
            self._control.close()
            raise
        finally:
            theirs.close()

    async def watch(self) -> None:
        """Read the worker's messages until its process has ended.

        Cancellation: the process is killed.
        """
        assert self._process is not None
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._await_exit, self._process, nursery.cancel_scope)
                await self._read()
                nursery.cancel_scope.deadline = trio.current_time() + EXIT_TIMEOUT
            self._read_rest()
        finally:
            self.kill()
            with trio.CancelScope(shield=True):  # the process was killed, so this is short
                await self._process.wait()
            self._control.close()
            if self._serving_since is None and self.failure is None:
                self.failure = f"the process of a worker {self.describe_end()} before it served"
            self.ended.set()
            self.loaded.set()
            self.begun.set()
            self.leaving.set()

    async def _await_exit(self, process: trio.Process, reading: trio.CancelScope) -> None:
        """End the reading with the process. A process that the worker has forked may keep its pair open."""
        await process.wait()
        reading.cancel()

    async def _read(self) -> None:
        try:
            while True:
                self._take(*await self._control.receive())
        except PairClosed:
            pass
        except BadPacket as error:
            self._give_up(f"sent a packet that is no message ({error.kind})")
        except OSError as error:
            self._give_up(f"cannot be read from ({error})")

    def _read_rest(self) -> None:
        """Take the last messages of a process that has ended."""
        try:
            while (received := self._control.receive_nowait()) is not None:
                self._take(*received)
        except (OSError, BadPacket):
            pass

    def _take(self, message: Message, descriptor: int | None) -> None:
        if descriptor is not None:
            os.close(descriptor)
        if isinstance(message, Loaded):
            self.loaded.set()
        elif isinstance(message, Serving):
            self._serving_since = trio.current_time()
            self.stop_timeout = message.stop_timeout
            self.begun.set()
        elif isinstance(message, Leaving):
            self.leaving.set()
        elif isinstance(message, Failed):
            self.failure, self.traceback = message.reason, message.traceback
            self.loaded.set()
            self.begun.set()

    def describe_end(self) -> str:
        """Say how the process has ended."""
        status = None if self._process is None else self._process.returncode
        if status is None:
            return "has not ended"
        if status < 0:
            return f"was ended by {_signal_name(-status)}"
        return f"ended with status {status}"

    async def wait_ended(self, timeout: float) -> None:
        """Wait until the process has ended. Kill it if it takes longer than ``timeout`` and its stop should.

        Cancellation: the process goes on.
        """
        with trio.move_on_after(timeout + self.stop_timeout + STOP_MARGIN):
            await self.ended.wait()
            return
        self._give_up("does not end")
        await self.ended.wait()

    # messages

    def listen(self, slot: int, sockets: Sequence[socket.socket]) -> None:
        """Let the worker accept connections on the sockets of a slot: its own, or one that it is lent."""
        self._slots.add(slot)
        for listening in sockets:
            self._tell(Listen(slot), listening.fileno())

    def unlisten(self, slot: int) -> None:
        """Let the worker accept no more connections on the sockets of a slot."""
        self._slots.discard(slot)
        self._tell(Unlisten(slot))

    def leave_sockets(self) -> None:
        """Let the worker accept no more connections at all. Its sessions go on."""
        self._is_leaving = True
        for slot in list(self._slots):
            self.unlisten(slot)

    def join(self, other: WorkerProcess) -> None:
        """Connect this worker and another one by a pair."""
        try:
            ours, theirs = Pair.make()
        except OSError as error:
            self._give_up(f"cannot be connected to {other} ({error})")
            return
        try:
            self._tell(Join(other.instance), ours.fileno())
            other._tell(Join(self.instance), theirs.fileno())
        finally:
            ours.close()
            theirs.close()

    def tell(self, message: Message) -> None:
        """Send a message that has no descriptor."""
        self._tell(message)

    def _tell(self, message: Message, descriptor: int | None = None) -> None:
        """Send a message. A worker that has not read those before it, for minutes, is killed."""
        if self.ended.is_set():
            return
        try:
            if not self._control.send_nowait(message, descriptor):
                self._give_up("does not read its messages")
        except PairClosed:
            pass  # the task that reads gets this, too
        except OSError as error:
            self._give_up(f"cannot get its messages ({error})")

    def _give_up(self, reason: str) -> None:
        LOG.error("%s %s, and is killed", self, reason)
        self.kill()

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
