"""Answers to the requests of other servers."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import trio

from trio_socketio._signal import Signal
from trio_socketio.adapters._broadcast import Broadcast
from trio_socketio.adapters._members import LocalMember, PendingAck
from trio_socketio.adapters.cluster._messages import FetchData, MessageType, ServerEventData
from trio_socketio.adapters.cluster._wire import Malformed, portable
from trio_socketio.errors import LocalProtocolError

if TYPE_CHECKING:
    from trio_socketio.adapters.cluster._envelope_adapter import EnvelopeAdapter

__all__ = ["Inquiries"]

#: How long another server may let this one wait for acknowledgements, in seconds.
LONGEST_CALL = 600.0


class Inquiries:
    """Answers requests of other servers for one namespace.

    Args:
        adapter: the adapter of the namespace.
    """

    def __init__(self, adapter: EnvelopeAdapter[Any]) -> None:
        self._adapter = adapter

    def fetch(self, uid: str, data: FetchData) -> None:
        """Describe the members of a target. If the answer is too large, none is sent, and the log says so."""
        adapter = self._adapter
        sockets = [self._describe(member) for member in adapter.select(data.opts.target)]
        answer = {"requestId": data.request_id, "sockets": sockets}
        try:
            adapter.respond(uid, MessageType.FETCH_SOCKETS_RESPONSE, answer)
        except LocalProtocolError as error:
            adapter.cluster.counters.dropped += 1
            adapter.host.log.warning("the %d sockets that %s asks for: %s", len(sockets), uid, error)

    def _describe(self, member: LocalMember) -> dict[str, Any]:
        record = member.record()
        return {
            "id": record.id,
            "handshake": portable(record.handshake),
            "rooms": list(self._adapter.rooms_of(member)),
            "data": portable(record.data),
        }

    def server_event(self, uid: str, data: ServerEventData) -> None:
        """Call the application's handlers for an event of another server, and send their value back if it is wanted.

        Raises:
            Malformed: the event's name is not a text, or too many such events are being handled.
        """
        event, *args = data.packet
        request_id = data.request_id
        if not isinstance(event, str):
            raise Malformed("invalid")

        def respond(value: Any) -> None:
            answer = {"requestId": request_id, "packet": value}
            self._adapter.respond(uid, MessageType.SERVER_SIDE_EMIT_RESPONSE, answer)

        if not self._adapter.host.server_event(event, args, None if request_id is None else respond):
            raise Malformed("busy")

    # acknowledgements

    def call(self, uid: str, request_id: str, broadcast: Broadcast, timeout: float | None) -> None:
        """Send an event to the members of a target, and their acknowledgements to the server that has asked.

        The event is sent before this returns, so that events of one server keep their order.

        Args:
            uid: the id of the server that has asked.
            request_id: the id of its request.
            broadcast: the event. It has an ack id, and its target is local.
            timeout: how long to wait for acknowledgements, in seconds; None: for ``requests_timeout``.

        Raises:
            Malformed: too many such events wait for acknowledgements.
        """
        adapter = self._adapter
        if adapter.cluster.is_busy:
            raise Malformed("busy")
        assert broadcast.ack_id is not None
        arrivals = Arrivals(broadcast.ack_id)
        for member in adapter.select(broadcast.target):
            arrivals.expect(member)
        adapter.broadcast(broadcast)
        count = {"requestId": request_id, "clientCount": len(arrivals.calls), "sids": arrivals.ids}
        adapter.respond(uid, MessageType.BROADCAST_CLIENT_COUNT, count)
        longest = adapter.cluster.requests_timeout if timeout is None else min(timeout, LONGEST_CALL)
        adapter.cluster.spawn(self._collect, uid, request_id, arrivals, longest)

    async def _collect(self, uid: str, request_id: str, arrivals: Arrivals, timeout: float) -> None:
        with arrivals, trio.move_on_after(timeout):
            for _ in range(len(arrivals.calls)):
                member, call = await arrivals.next()
                if call.answered:
                    self._acknowledge(uid, request_id, member.id, call.value)

    def _acknowledge(self, uid: str, request_id: str, sid: str, value: Any) -> None:
        answer: dict[str, Any] = {"requestId": request_id, "packet": value, "sid": sid}
        if type(value) is tuple or value is None:
            values = [] if value is None else list(value)
            answer["packet"] = values[0] if values else None
            answer["args"] = values
        try:
            self._adapter.respond(uid, MessageType.BROADCAST_ACK, answer)
        except LocalProtocolError as error:
            self._adapter.cluster.counters.dropped += 1
            self._adapter.host.log.warning("the acknowledgement of socket %s for %s: %s", sid, uid, error)


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
        calls: the pending acknowledgement of each member.
    """

    def __init__(self, ack_id: int) -> None:
        self.calls: dict[LocalMember, PendingAck] = {}
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
