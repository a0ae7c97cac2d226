"""Answers to the requests of other servers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import trio

from trio_socketio.adapters._broadcast import Broadcast
from trio_socketio.adapters._members import LocalMember
from trio_socketio.adapters.cluster._arrivals import Arrivals
from trio_socketio.adapters.cluster._messages import FetchData, MessageType, ServerEventData
from trio_socketio.adapters.cluster._queue import Outgoing
from trio_socketio.adapters.cluster._wire import Malformed, portable
from trio_socketio.errors import LocalProtocolError

if TYPE_CHECKING:
    from trio_socketio.adapters.cluster._envelope_adapter import EnvelopeAdapter

__all__ = ["LONGEST_CALL", "Inquiries"]

#: How long another server may let this one wait for acknowledgements, in seconds.
LONGEST_CALL = 600.0

#: How many sockets are described without a checkpoint, and in one message.
SOCKETS_AT_ONCE = 100


class Inquiries:
    """Answers requests of other servers for one namespace.

    Args:
        adapter: the adapter of the namespace.
    """

    def __init__(self, adapter: EnvelopeAdapter[Any]) -> None:
        self._adapter = adapter

    def fetch(self, uid: str, data: FetchData) -> None:
        """Describe the members of a target. If they are many or large, the answer has several parts.

        Node's servers take no parts. If the answer to one of them is too large, none is sent, and the log says so.

        Raises:
            Malformed: too many requests are being answered.
        """
        adapter = self._adapter
        members = adapter.select(data.opts.target)
        if not data.parts or len(members) <= SOCKETS_AT_ONCE:
            answer = {"requestId": data.request_id, "sockets": [self._describe(member) for member in members]}
            try:
                adapter.respond(uid, MessageType.FETCH_SOCKETS_RESPONSE, answer)
            except LocalProtocolError as error:
                if not data.parts:
                    adapter.cluster.counters.dropped += 1
                    adapter.host.log.warning("the %d sockets that %s asks for: %s", len(members), uid, error)
                    return
            else:
                return
        if not adapter.cluster.spawn(self._fetch_in_parts, uid, data.request_id, members):
            raise Malformed("busy")

    async def _fetch_in_parts(self, uid: str, request_id: str, members: Sequence[LocalMember]) -> None:
        adapter, total = self._adapter, 0
        for start in range(0, len(members), SOCKETS_AT_ONCE):
            chosen = members[start : start + SOCKETS_AT_ONCE]
            sockets = [self._describe(member) for member in chosen if member.connected]
            total += len(sockets)
            for part in self._parts(uid, request_id, sockets):
                if not await adapter.cluster.publish(*part):
                    return  # without all parts, this server has not answered
            await trio.lowlevel.checkpoint()
        last = {"requestId": request_id, "sockets": [], "total": total}
        await adapter.cluster.publish(*adapter.answer(uid, MessageType.FETCH_SOCKETS_RESPONSE, last))

    def _parts(self, uid: str, request_id: str, sockets: list[dict[str, Any]]) -> Iterator[Outgoing]:
        """Return messages that describe these sockets. Of one that is too large alone, they tell only the id."""
        answer = {"requestId": request_id, "sockets": sockets, "more": True}
        try:
            part = self._adapter.answer(uid, MessageType.FETCH_SOCKETS_RESPONSE, answer)
        except LocalProtocolError as error:
            half = len(sockets) // 2
            if half:
                yield from self._parts(uid, request_id, sockets[:half])
                yield from self._parts(uid, request_id, sockets[half:])
                return
            sid = sockets[0]["id"]
            self._adapter.host.log.warning("the data of socket %s, for which %s asks: %s", sid, uid, error)
            answer["sockets"] = [{"id": sid}]
            part = self._adapter.answer(uid, MessageType.FETCH_SOCKETS_RESPONSE, answer)
        yield part

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
        count = {"requestId": request_id, "clientCount": len(arrivals.calls)}
        try:
            adapter.respond(uid, MessageType.BROADCAST_CLIENT_COUNT, {**count, "sids": arrivals.ids})
        except LocalProtocolError:  # the ids are too many for one message
            arrivals.are_named = False
            adapter.respond(uid, MessageType.BROADCAST_CLIENT_COUNT, count)
        longest = adapter.cluster.requests_timeout if timeout is None else min(timeout, LONGEST_CALL)
        adapter.cluster.spawn(self._collect, uid, request_id, arrivals, longest)

    async def _collect(self, uid: str, request_id: str, arrivals: Arrivals, timeout: float) -> None:
        with arrivals, trio.move_on_after(timeout):
            for _ in range(len(arrivals.calls)):
                member, call = await arrivals.next()
                if call.answered:
                    sid = member.id if arrivals.are_named else None
                    self._acknowledge(uid, request_id, sid, call.value)

    def _acknowledge(self, uid: str, request_id: str, sid: str | None, value: Any) -> None:
        answer: dict[str, Any] = {"requestId": request_id, "packet": value}
        if sid is not None:
            answer["sid"] = sid
        if type(value) is tuple or value is None:
            values = [] if value is None else list(value)
            answer["packet"] = values[0] if values else None
            answer["args"] = values
        try:
            self._adapter.respond(uid, MessageType.BROADCAST_ACK, answer)
        except LocalProtocolError as error:
            self._adapter.cluster.counters.dropped += 1
            self._adapter.host.log.warning("an acknowledgement for %s: %s", uid, error)
