"""What waits to be sent to one other worker: messages of the bus, and connections. Both are bounded."""

from __future__ import annotations

from collections import deque
from enum import IntEnum

import trio

from trio_socketio._signal import Signal
from trio_socketio.workers._pair import Pair, PairClosed

__all__ = ["Kind", "Outgoing"]

#: How many packets with messages may wait for one worker, and how many bytes these may have.
QUEUE_PACKETS, QUEUE_BYTES = 1024, 16_777_216

#: How many bytes of large messages may be on their way to one worker. The kernel does not count the memory of a memfd.
UNREAD_BYTES = 16_777_216

#: How many connections may wait to be handed over to one worker. The kernel holds about 167 more on their way, as each
#: takes room of the socket.
MOST_HANDOVERS = 256


class Kind(IntEnum):
    """The kinds of packets between workers."""

    HELLO = 0  #: the sender's version, and its name in the cluster
    MESSAGES = 1  #: messages of the bus
    LOST = 2  #: how many messages were not sent, because the receiver did not read
    CONNECTION = 3  #: a connection, and the bytes that were read from it
    TAKEN = 4  #: how many large packets were received


class Waiting:
    """A connection that waits to be handed over."""

    __slots__ = ("content", "descriptor", "done", "is_sent")

    def __init__(self, descriptor: int, content: bytes) -> None:
        self.descriptor, self.content = descriptor, content
        self.is_sent = False
        self.done = trio.Event()


class Outgoing:
    """Sends packets to one other worker.

    A packet is sent at once if the socket has room, and is queued otherwise. If the other worker does not read, so that
    the queue stays full, messages to it are lost, until it has read the whole queue. Then it is told how many it has
    missed.

    Args:
        pair: the socketpair to the worker.

    Attributes:
        lost: how many messages were lost since the start.
        is_closed: whether the other worker has ended.
    """

    def __init__(self, pair: Pair) -> None:
        self.lost = 0
        self.is_closed = False
        self._pair = pair
        self._queue: deque[tuple[Kind, bytes, int]] = deque()
        self._bytes = 0
        self._unread: deque[int] = (
            deque()
        )  # the sizes of large packets that were sent, and not reported as taken
        self._unread_bytes = 0
        self._taken = 0  # how many large packets were received, and not reported yet
        self._missed = 0  # how many messages were lost since the other worker was told
        self._connections: dict[Waiting, None] = {}
        self._work = Signal()
        self._room: trio.Event | None = None

    def _try_send(self, kind: Kind, content: bytes, descriptor: int | None = None) -> bool:
        """Send a packet if there is room; after the end of the other worker, report it as sent."""
        if self.is_closed:
            return True
        try:
            is_sent = self._pair.send_nowait(kind, content, () if descriptor is None else (descriptor,))
        except PairClosed:
            self.close()
            return True
        if is_sent and self._pair.is_large(content):
            self._unread.append(len(content))
            self._unread_bytes += len(content)
        return is_sent

    # messages

    def announce(self, content: bytes) -> None:
        """Send or queue a ``HELLO``. There are few of them, so that they are not bounded."""
        if self._queue or not self._try_send(Kind.HELLO, content):
            self._append(Kind.HELLO, content, 0)

    def put(self, content: bytes, count: int) -> bool:
        """Send or queue a packet with messages, or count these as lost while the other worker does not read.

        Returns:
            False: the queue is full. Wait for ``room``, then call this again or ``lose``.
        """
        if self.is_closed:
            return True
        if self._missed:
            self.lose(count)
            return True
        if not self._queue and self._may_send(content):
            if self._try_send_messages(Kind.MESSAGES, content, count):
                return True
        elif len(self._queue) >= QUEUE_PACKETS or self._bytes + len(content) > QUEUE_BYTES:
            return False
        self._append(Kind.MESSAGES, content, count)
        return True

    def _may_send(self, content: bytes) -> bool:
        """Return whether a message is small, or the worker has received enough of the earlier large ones."""
        unread = self._unread_bytes
        return not self._pair.is_large(content) or not unread or unread + len(content) <= UNREAD_BYTES

    def _append(self, kind: Kind, content: bytes, count: int) -> None:
        self._queue.append((kind, content, count))
        self._bytes += len(content)
        self._work.set()

    def lose(self, count: int) -> None:
        """Count messages that are not sent. Later ones are lost, too, until the queue was read."""
        self._missed += count
        self.lost += count
        self._work.set()

    def received_large(self) -> None:
        """Report to the other worker that a large packet of it was received, or could not be."""
        self._taken += 1
        self._work.set()

    def taken(self, count: int) -> None:
        """Take note that the other worker has received so many large packets."""
        for _ in range(min(count, len(self._unread))):
            self._unread_bytes -= self._unread.popleft()
        self._work.set()

    async def room(self) -> None:
        """Wait until half of the queue is free, or the other worker has ended."""
        if self._room is None:
            self._room = trio.Event()
        await self._room.wait()

    # connections

    async def hand_over(self, descriptor: int, content: bytes, deadline: float) -> bool:
        """Send a copy of a descriptor; returns whether it was sent before the deadline.

        Cancellation: it is not sent, unless it was sent at the same moment.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        if not self._connections:
            try:
                if self._try_send(Kind.CONNECTION, content, descriptor):
                    await trio.lowlevel.cancel_shielded_checkpoint()
                    return not self.is_closed
            except OSError:  # too many descriptors are on their way already
                await trio.lowlevel.cancel_shielded_checkpoint()
                return False
        if self.is_closed or len(self._connections) >= MOST_HANDOVERS:
            await trio.lowlevel.cancel_shielded_checkpoint()
            return False
        waiting = Waiting(descriptor, content)
        self._connections[waiting] = None
        self._work.set()
        try:
            with trio.move_on_at(deadline):
                await waiting.done.wait()
        finally:
            self._connections.pop(waiting, None)
        return waiting.is_sent

    # the sending task

    async def run(self) -> None:
        """Send what is queued, until the other worker has ended."""
        while not self.is_closed:
            if not self._can_send():
                await self._work.wait()
            elif self._send_next():
                await trio.lowlevel.checkpoint()
            else:
                await self._pair.wait_writable()

    def _can_send(self) -> bool:
        """Return whether a packet waits for nothing but the socket."""
        if self._queue:
            return bool(self._connections or self._taken) or self._may_send(self._queue[0][1])
        return bool(self._connections or self._taken or self._missed)

    def _send_next(self) -> bool:
        """Send the next packet, connections first; returns False if the socket is full."""
        if self._connections:
            return self._send_connection(next(iter(self._connections)))
        if self._taken:
            is_sent = self._try_send(Kind.TAKEN, b"%d" % self._taken)
            self._taken *= not is_sent
        elif self._queue:
            is_sent = self._send_queued(*self._queue[0])
        else:
            is_sent = self._try_send(Kind.LOST, b"%d" % self._missed)
            self._missed *= not is_sent
        return is_sent

    def _send_queued(self, kind: Kind, content: bytes, count: int) -> bool:
        if not self._try_send_messages(kind, content, count):
            return False
        if self._queue:  # else the other worker has just ended
            self._queue.popleft()
            self._bytes -= len(content)
        self._make_room()
        return True

    def _send_connection(self, waiting: Waiting) -> bool:
        try:
            if not self._try_send(Kind.CONNECTION, waiting.content, waiting.descriptor):
                return False
            waiting.is_sent = not self.is_closed
        except OSError:
            pass
        self._connections.pop(waiting, None)
        waiting.done.set()
        return True

    def _try_send_messages(self, kind: Kind, content: bytes, count: int) -> bool:
        try:
            return self._try_send(kind, content)
        except OSError:  # the system lacks descriptors or memory
            self.lose(count)
            return True

    def _make_room(self) -> None:
        if (
            self._room is not None
            and len(self._queue) <= QUEUE_PACKETS // 2
            and self._bytes <= QUEUE_BYTES // 2
        ):
            self._room.set()
            self._room = None

    def close(self) -> None:
        """Drop what is queued, because the other worker has ended."""
        self.is_closed = True
        self._queue.clear()
        self._bytes = self._missed = self._taken = 0
        for waiting in self._connections:
            waiting.done.set()
        self._connections.clear()
        self._make_room()
        self._work.set()
