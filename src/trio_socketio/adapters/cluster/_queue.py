"""The messages that wait to be published: a queue that is bounded in packets and bytes."""

from __future__ import annotations

import trio

from trio_socketio._core import OutgoingQueue
from trio_socketio._signal import Signal
from trio_socketio.adapters.cluster._counters import Counters

__all__ = ["Outgoing", "PublishQueue"]

#: A channel, and a message for it.
Outgoing = tuple[str, bytes]

#: The limits of one batch. They bound how much is lost uncounted by the bus when the link breaks.
BATCH_PACKETS, BATCH_BYTES = 256, 1_048_576


class Waiter:
    """A task that waits for room for its message."""

    __slots__ = ("is_appended", "message", "task")

    def __init__(self, message: Outgoing) -> None:
        self.message = message
        self.task = trio.lowlevel.current_task()
        self.is_appended = False


class PublishQueue(OutgoingQueue):
    """A queue in the order of publishing. A batch that is being published counts until it is confirmed.

    ``put`` appends a message, or returns False if there is no room or other messages wait for room.

    Args:
        max_packets: how many messages it holds.
        max_bytes: how many bytes it holds. A message that is larger is accepted if the queue is empty.
        counters: where dropped messages are counted.

    Attributes:
        packets: the number of messages in it.
        size_bytes: their size.
    """

    def __init__(self, max_packets: int, max_bytes: int, counters: Counters) -> None:
        self._filled = Signal()
        super().__init__(max_packets, max_bytes, self._filled.set)
        self._counters = counters
        self._drained: trio.Event | None = None
        self._is_patient = True

    def put_urgent(self, channel: str, payload: bytes) -> None:
        """Append a heartbeat: the queue has twice the room for it. If that is full too, count it as dropped."""
        if self.has_room(len(payload), 2):
            self.add((channel, payload))
        else:
            self._counters.dropped += 1

    def put_or_drop(self, channel: str, payload: bytes) -> bool:
        """Append a message, or count it as dropped if there is no room; returns whether it was appended."""
        if self.put(channel, payload):
            return True
        self._counters.dropped += 1
        return False

    async def put_waiting(self, channel: str, payload: bytes, timeout: float) -> bool:
        """Append a message when there is room; returns whether it was appended.

        After ``timeout`` seconds, and at once while ``is_patient`` is False, the message is dropped and counted.

        Cancellation: the message is dropped and counted, and this returns False. ``Cancelled`` is raised by the next
        checkpoint.
        """
        if self.put(channel, payload):
            return True
        is_appended = self._is_patient
        if is_appended:
            with trio.move_on_after(timeout):
                is_appended = await self._wait_for_room((channel, payload))
        if not is_appended:
            self._counters.dropped += 1
        return is_appended

    async def _wait_for_room(self, message: Outgoing) -> bool:
        waiter = Waiter(message)
        self.waiting[waiter] = None

        def abort(_: trio.lowlevel.RaiseCancelT) -> trio.lowlevel.Abort:
            del self.waiting[waiter]
            trio.lowlevel.reschedule(waiter.task)  # returns instead of raising ``Cancelled``
            return trio.lowlevel.Abort.FAILED

        await trio.lowlevel.wait_task_rescheduled(abort)
        return waiter.is_appended

    @property
    def is_patient(self) -> bool:
        """Whether ``put_waiting`` waits. While there is no hope for a link soon, it does not."""
        return self._is_patient

    @is_patient.setter
    def is_patient(self, is_patient: bool) -> None:
        self._is_patient = is_patient
        if not is_patient:
            waiting = list(self.waiting)
            self.waiting.clear()
            for waiter in waiting:
                trio.lowlevel.reschedule(waiter.task)

    # the publishing task

    async def take(self) -> list[Outgoing]:
        """Wait for messages, and return a batch. Call ``finish`` afterwards."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while not (batch := self.take_some(BATCH_PACKETS, BATCH_BYTES)):
            await self._filled.wait()
        return batch

    def finish(self, batch: list[Outgoing]) -> None:
        """Forget a batch, because the bus has it or it is lost, and let those append that wait for room."""
        self.release(batch)
        while self.waiting:
            waiter = next(iter(self.waiting))
            if not self.has_room(len(waiter.message[1])):
                break
            del self.waiting[waiter]
            self.add(waiter.message)
            waiter.is_appended = True
            trio.lowlevel.reschedule(waiter.task)
        if not self.packets and self._drained is not None:
            self._drained.set()

    async def drained(self) -> None:
        """Wait until the queue is empty and its last batch is finished."""
        if self.packets:
            self._drained = trio.Event()
            await self._drained.wait()
        else:
            await trio.lowlevel.checkpoint()

    def abandon(self) -> None:
        """Drop and count all messages, because the server stops, or starts and has not run before."""
        batch = self.take_some(self.packets, self.size_bytes)
        self._counters.dropped += len(batch)
        self.is_patient = False
        self.finish(batch)
