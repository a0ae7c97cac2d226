"""The messages that wait to be published: a queue that is bounded in packets and bytes."""

from __future__ import annotations

from collections import deque

import trio

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


class PublishQueue:
    """A queue in the order of publishing. A batch that is being published counts until it is confirmed.

    Args:
        max_packets: how many messages it holds.
        max_bytes: how many bytes it holds. A message that is larger is accepted if the queue is empty.
        counters: where dropped messages are counted.

    Attributes:
        packets: the number of messages in it.
        bytes: their size.
    """

    def __init__(self, max_packets: int, max_bytes: int, counters: Counters) -> None:
        self.packets = self.bytes = 0
        self._max_packets, self._max_bytes = max_packets, max_bytes
        self._counters = counters
        self._queue: deque[Outgoing] = deque()
        self._filled = Signal()
        self._waiting: dict[Waiter, None] = {}
        self._drained: trio.Event | None = None
        self._is_patient = True

    def _has_room(self, size: int) -> bool:
        if not self.packets:
            return True
        return self.packets < self._max_packets and self.bytes + size <= self._max_bytes

    def put(self, channel: str, payload: bytes) -> bool:
        """Append a message if there is room and no other message waits for room; returns whether it was appended."""
        size = len(payload)
        packets = self.packets
        if packets and (
            self._waiting or packets >= self._max_packets or self.bytes + size > self._max_bytes
        ):  # as _has_room and _append, without calls; if it is empty, no message waits for room
            return False
        queue = self._queue
        queue.append((channel, payload))
        self.packets = packets + 1
        self.bytes += size
        if len(queue) == 1:
            self._filled.set()
        return True

    def put_urgent(self, channel: str, payload: bytes) -> None:
        """Append a heartbeat: the queue has twice the room for it. If that is full too, count it as dropped."""
        if self.packets < 2 * self._max_packets and self.bytes < 2 * self._max_bytes:
            self._append(channel, payload)
        else:
            self._counters.dropped += 1

    def _append(self, channel: str, payload: bytes) -> None:
        self._queue.append((channel, payload))
        self.packets += 1
        self.bytes += len(payload)
        if len(self._queue) == 1:
            self._filled.set()

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
        self._waiting[waiter] = None

        def abort(_: trio.lowlevel.RaiseCancelT) -> trio.lowlevel.Abort:
            del self._waiting[waiter]
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
            waiting, self._waiting = self._waiting, {}
            for waiter in waiting:
                trio.lowlevel.reschedule(waiter.task)

    # the publishing task

    async def take(self) -> list[Outgoing]:
        """Wait for messages, and return a batch. Call ``finish`` afterwards."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while not self._queue:
            await self._filled.wait()
        batch = [self._queue.popleft()]
        size = len(batch[0][1])
        while self._queue and len(batch) < BATCH_PACKETS:
            size += len(self._queue[0][1])
            if size > BATCH_BYTES:
                break
            batch.append(self._queue.popleft())
        return batch

    def finish(self, batch: list[Outgoing]) -> None:
        """Forget a batch, because the bus has it or it is lost, and let those append that wait for room."""
        self.packets -= len(batch)
        self.bytes -= sum(len(payload) for _, payload in batch)
        while self._waiting:
            waiter = next(iter(self._waiting))
            channel, payload = waiter.message
            if not self._has_room(len(payload)):
                break
            del self._waiting[waiter]
            self._append(channel, payload)
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
        self._counters.dropped += len(self._queue)
        batch = list(self._queue)
        self._queue.clear()
        self.is_patient = False
        self.finish(batch)
