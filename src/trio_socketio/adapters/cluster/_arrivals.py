"""The acknowledgements of this process's sockets for another server."""

from __future__ import annotations

from collections import deque

from trio_socketio._signal import Signal
from trio_socketio.adapters._members import LocalMember, PendingAck

__all__ = ["Arrivals"]


class Arrival:
    """Set when the acknowledgement of one member has come, or cannot come any more."""

    __slots__ = ("_arrivals", "_member")

    def __init__(self, arrivals: Arrivals, member: LocalMember) -> None:
        self._arrivals, self._member = arrivals, member

    def set(self) -> None:
        """Put the member into the queue."""
        self._arrivals.arrived(self._member)

    async def wait(self) -> None:
        """Not used: ``Arrivals.next`` waits for any member."""
        raise AssertionError


class Arrivals:
    """The acknowledgements of several members, in the order in which they come.

    Args:
        ack_id: the id of the acknowledgements.

    Attributes:
        are_named: whether the other server is told which member has sent an acknowledgement.
        calls: the pending acknowledgement of each member.
    """

    def __init__(self, ack_id: int) -> None:
        self.calls: dict[LocalMember, PendingAck] = {}
        self.are_named = True
        self._ack_id = ack_id
        self._queue: deque[LocalMember] = deque()
        self._signal = Signal()

    def expect(self, member: LocalMember) -> None:
        """Expect an acknowledgement of a member."""
        self.calls[member] = member.expect(self._ack_id, Arrival(self, member))

    @property
    def ids(self) -> list[str]:
        """The ids of the members."""
        return [member.id for member in self.calls]

    def arrived(self, member: LocalMember) -> None:
        """Note that the acknowledgement of a member has come, or cannot come any more."""
        self._queue.append(member)
        self._signal.set()

    async def next(self) -> tuple[LocalMember, PendingAck]:
        """Wait for the next member."""
        while not self._queue:
            await self._signal.wait()
        member = self._queue.popleft()
        return member, self.calls[member]

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        for member in self.calls:
            member.forget(self._ack_id)
