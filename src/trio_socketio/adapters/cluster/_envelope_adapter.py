"""The adapter of a namespace whose messages are the envelopes of Node's ``ClusterAdapter``.

Source: Node's package socket.io-adapter 2.5. Node's sharded Redis adapter has the same messages and channels.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import trio

from trio_socketio._core import Copies, EventWriter
from trio_socketio.adapters._broadcast import Answers, Broadcast
from trio_socketio.adapters._members import LocalMember, NamespaceHost
from trio_socketio.adapters._records import SocketRecord
from trio_socketio.adapters.cluster._adapter import ClusterAdapter, stays_here
from trio_socketio.adapters.cluster._asking import AckRequest, FetchRequest, ValueRequest, answer_takers
from trio_socketio.adapters.cluster._cluster import Cluster
from trio_socketio.adapters.cluster._inquiries import LONGEST_CALL, Inquiries
from trio_socketio.adapters.cluster._messages import (
    BroadcastData,
    MessageType,
    options_of,
)
from trio_socketio.adapters.cluster._queue import Outgoing
from trio_socketio.adapters.cluster._wire import Envelope, Malformed, decode, encode, event_writer
from trio_socketio.socketio import Target

__all__ = ["EMITTER", "EnvelopeAdapter"]

M = TypeVar("M", bound=LocalMember)

#: The id in the messages of emitters, which are no servers.
EMITTER = "emitter"

_HEARTBEATS = (MessageType.INITIAL_HEARTBEAT, MessageType.HEARTBEAT, MessageType.ADAPTER_CLOSE)


class EnvelopeAdapter(ClusterAdapter[M]):
    """A cluster adapter whose messages are envelopes on one channel for all servers and one for each of them.

    Args:
        host: the namespace.
        cluster: the server's part in the cluster.
        channel_prefix: what the names of all channels begin with.
    """

    def __init__(self, host: NamespaceHost[M], cluster: Cluster, channel_prefix: str = "socket.io") -> None:
        super().__init__(host, cluster)
        self._prefix = f"{channel_prefix}#{host.name}#"
        self._writer = self.event_writer()
        self._has_heartbeats = cluster.heartbeats is not None
        self._copies = Copies()
        self._seq = 0
        self._inquiries = Inquiries(self)
        self._handlers: dict[MessageType, Callable[[str, Any], object]] = {
            MessageType.BROADCAST: self._broadcast_received,
            MessageType.SOCKETS_JOIN: lambda _, data: self.join_from_bus(data.opts.target, data.rooms),
            MessageType.SOCKETS_LEAVE: lambda _, data: self.leave_from_bus(data.opts.target, data.rooms),
            MessageType.DISCONNECT_SOCKETS: lambda _, data: self.disconnect_from_bus(
                data.opts.target, data.close
            ),
            MessageType.FETCH_SOCKETS: self._inquiries.fetch,
            MessageType.SERVER_SIDE_EMIT: self._inquiries.server_event,
            **answer_takers(self.requests),
        }

    # channels

    @property
    def main_channel(self) -> str:
        """See ``ClusterAdapter.main_channel``."""
        return self._prefix

    def node_channel(self, uid: str) -> str:
        """Return the channel of one server, for answers to its requests."""
        return f"{self._prefix}{uid}#"

    def channel_of(self, target: Target) -> str:
        """Return the channel for a broadcast without acknowledgements. The sharded Redis adapter has some for rooms."""
        return self._prefix

    def begin(self) -> None:
        """See ``ClusterAdapter.begin``. The channel for answers is subscribed to first."""
        self.cluster.subscribe(self.node_channel(self.cluster.uid), self.receive)
        self.cluster.subscribe(self.main_channel, self.receive, self._subscribed)

    def renamed(self, former: str) -> None:
        """Use the new id of this server."""
        self.cluster.unsubscribe(self.node_channel(former))
        self.cluster.subscribe(self.node_channel(self.cluster.uid), self.receive, self._subscribed)

    # sending

    def encode(self, kind: MessageType, data: dict[str, Any] | None = None) -> bytes:
        """Encode a message of this server.

        Raises:
            LocalProtocolError: the data cannot be encoded.
        """
        if self._has_heartbeats:
            self.nodes.published = trio.current_time()
        self._seq += 1
        return encode(self.cluster.uid, self.host.name, kind, data, self._seq)

    def event_writer(self) -> EventWriter:
        """Make the encoder for events with plain arguments. For others, it returns None, and ``encode`` is used."""
        return event_writer(self.host.name)

    def encode_broadcast(self, broadcast: Broadcast) -> Outgoing:
        """See ``ClusterAdapter.encode_broadcast``."""
        target = broadcast.target
        channel = self._prefix if target.rooms is None else self.channel_of(target)
        seq = self._seq + 1
        payload = self._writer.write(self.cluster.uid, broadcast, seq)
        if payload is None:
            data = {"packet": self._packet(broadcast), "opts": options_of(target)}
            return channel, self.encode(MessageType.BROADCAST, data)
        self._seq = seq
        if self._has_heartbeats:
            self.nodes.published = trio.current_time()
        return channel, payload

    def _packet(self, broadcast: Broadcast) -> dict[str, Any]:
        return {"type": 2, "data": [broadcast.event, *broadcast.args], "nsp": self.host.name}

    def answer_channel(self, uid: str, kind: MessageType) -> str:
        """Return the channel for an answer to a server."""
        return self.node_channel(uid)

    def answer(self, uid: str, kind: MessageType, data: dict[str, Any]) -> Outgoing:
        """Return the channel and the sealed message of an answer to a request of another server.

        Raises:
            LocalProtocolError: the answer cannot be encoded, or is too large.
        """
        channel = self.answer_channel(uid, kind)
        return channel, self.cluster.seal(channel, self.encode(kind, data))

    def respond(self, uid: str, kind: MessageType, data: dict[str, Any]) -> None:
        """Answer a request of another server; see ``answer``. If the queue is full, the answer is dropped."""
        self.cluster.queue.put_or_drop(*self.answer(uid, kind, data))

    def outgoing(self, kind: MessageType, data: dict[str, Any]) -> Outgoing:
        """Return the channel and the unsealed message to all other servers, which needs no answer.

        Raises:
            LocalProtocolError: the data cannot be encoded.
        """
        return self.main_channel, self.encode(kind, data)

    def _sealed(self, kind: MessageType, data: dict[str, Any]) -> Outgoing:
        channel, payload = self.outgoing(kind, data)
        return channel, self.cluster.seal(channel, payload)

    def _told(self, kind: MessageType, target: Target, **data: object) -> Outgoing | None:
        """Return the message that tells the other servers what to do with the sockets of a target, if it needs one."""
        return None if stays_here(target) else self._sealed(kind, {"opts": options_of(target), **data})

    async def _tell(self, message: Outgoing | None) -> None:
        """Publish a message when there is room in the queue. The members of this process do not wait for that."""
        if message is not None:
            await self.cluster.publish(*message)

    def _tell_nowait(self, message: Outgoing | None) -> None:
        if message is not None:
            self.cluster.queue.put_or_drop(*message)

    # what the application asks for

    async def call(self, broadcast: Broadcast, timeout: float) -> Answers:
        """See ``Adapter.call``. Members of this process and other servers are asked at the same time."""
        target = broadcast.target
        if stays_here(target):
            return await super().call(broadcast, timeout)
        broadcast.message  # noqa: B018  # raises here if it cannot be encoded
        request = AckRequest()
        data = {
            "packet": self._packet(broadcast),
            "opts": options_of(target, timeout=round(min(timeout, LONGEST_CALL) * 1000)),
            "requestId": request.id,
        }
        payload = self.encode(MessageType.BROADCAST, data)
        self.cluster.seal(self.main_channel, payload)  # raises here if it is too large
        broadcast.target = replace(target, local=True)  # its remote part is in the payload
        local = Answers({}, frozenset())

        async def call_local() -> None:
            nonlocal local
            local = await super(EnvelopeAdapter, self).call(broadcast, timeout)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call_local)
            await self.ask(request, self.main_channel, payload, timeout)
        return request.answers_with(local)

    async def fetch(self, target: Target) -> Sequence[M | SocketRecord]:
        """See ``Adapter.fetch``."""
        local = await super().fetch(target)
        if stays_here(target):
            return local
        request, timeout = FetchRequest(), self.cluster.requests_timeout
        payload = self.encode(
            MessageType.FETCH_SOCKETS,
            {"opts": options_of(target), "requestId": request.id, "parts": True},
        )
        await self.ask(request, self.main_channel, payload, timeout)
        known = {member.id for member in local}
        everything = [*local, *(record for key, record in request.records.items() if key not in known)]
        self.raise_if_incomplete(request, everything, timeout)
        return everything

    async def sockets_join(self, target: Target, rooms: Collection[str]) -> None:
        """See ``Adapter.sockets_join``."""
        await trio.lowlevel.checkpoint()
        message = self._join(target, rooms)
        await self._tell(message)

    async def sockets_leave(self, target: Target, rooms: Collection[str]) -> None:
        """See ``Adapter.sockets_leave``."""
        await trio.lowlevel.checkpoint()
        message = self._leave(target, rooms)
        await self._tell(message)

    async def disconnect_sockets(self, target: Target, close: bool) -> None:
        """See ``Adapter.disconnect_sockets``. If it ends its caller, other servers are told if the queue has room."""
        await trio.lowlevel.checkpoint()
        message = self._disconnect(target, close)
        await self._tell(message)

    def sockets_join_nowait(self, target: Target, rooms: Collection[str]) -> None:
        """See ``Adapter.sockets_join_nowait``."""
        self._tell_nowait(self._join(target, rooms))

    def sockets_leave_nowait(self, target: Target, rooms: Collection[str]) -> None:
        """See ``Adapter.sockets_leave_nowait``."""
        self._tell_nowait(self._leave(target, rooms))

    def disconnect_sockets_nowait(self, target: Target, close: bool) -> None:
        """See ``Adapter.disconnect_sockets_nowait``."""
        self._tell_nowait(self._disconnect(target, close))

    # These make the message first, so that nothing is done if it is too large.

    def _join(self, target: Target, rooms: Collection[str]) -> Outgoing | None:
        message = self._told(MessageType.SOCKETS_JOIN, target, rooms=list(rooms)) if rooms else None
        super().sockets_join_nowait(target, rooms)
        return message

    def _leave(self, target: Target, rooms: Collection[str]) -> Outgoing | None:
        message = self._told(MessageType.SOCKETS_LEAVE, target, rooms=list(rooms)) if rooms else None
        super().sockets_leave_nowait(target, rooms)
        return message

    def _disconnect(self, target: Target, close: bool) -> Outgoing | None:
        message = self._told(MessageType.DISCONNECT_SOCKETS, target, close=close)
        super().disconnect_sockets_nowait(target, close)
        return message

    async def server_side_emit(self, event: str, args: tuple[Any, ...]) -> None:
        """See ``Adapter.server_side_emit``."""
        await trio.lowlevel.checkpoint()
        await self.cluster.publish(*self._sealed(MessageType.SERVER_SIDE_EMIT, {"packet": [event, *args]}))

    async def server_side_call(self, event: str, args: tuple[Any, ...], timeout: float) -> list[Any]:
        """See ``Adapter.server_side_call``."""
        request = ValueRequest()
        payload = self.encode(
            MessageType.SERVER_SIDE_EMIT, {"packet": [event, *args], "requestId": request.id}
        )
        await self.ask(request, self.main_channel, payload, timeout)
        self.raise_if_incomplete(request, request.answers, timeout)
        return request.answers

    # heartbeats

    def _subscribed(self) -> None:
        if self.cluster.heartbeats is not None:
            self.cluster.heartbeats.subscribed(self)

    def _beat(self, kind: MessageType) -> None:
        self.cluster.queue.put_urgent(*self._sealed(kind, {"nonce": self.cluster.nonce}))

    def heartbeat(self, *, initial: bool) -> None:
        """Publish a heartbeat. The other servers answer an initial one with theirs."""
        self._beat(MessageType.INITIAL_HEARTBEAT if initial else MessageType.HEARTBEAT)

    def say_goodbye(self) -> None:
        """See ``ClusterAdapter.say_goodbye``."""
        if self.cluster.heartbeats is not None:
            self._beat(MessageType.ADAPTER_CLOSE)

    def _heartbeat_received(self, envelope: Envelope) -> None:
        if self.cluster.heartbeats is None:
            return
        if envelope.type is MessageType.ADAPTER_CLOSE:
            self.nodes.remove(envelope.uid)
        elif envelope.type is MessageType.INITIAL_HEARTBEAT:
            self.cluster.heartbeats.asked(self)

    def _own_id_received(self, envelope: Envelope) -> None:
        """Ignore a message of this server that comes back. If another server has the same id, take a new id."""
        data = envelope.data
        if self.cluster.heartbeats is None:
            return
        if envelope.type in _HEARTBEATS and (data is None or data.nonce != self.cluster.nonce):
            self.cluster.reject("own id of another server")
            self.cluster.rename()

    # receiving

    def receive(self, channel: str, payload: bytes) -> None:
        """Take a message of the bus.

        Raises:
            Malformed: it is ignored.
            LocalProtocolError: its event cannot be encoded for clients.
        """
        self.handle(channel, decode(payload))

    def handle(self, channel: str, envelope: Envelope) -> None:
        """Take a decoded message; see ``receive``."""
        if not self.admit(channel, envelope.uid, envelope.nsp, envelope.seq):
            self._own_id_received(envelope)
        elif envelope.type in _HEARTBEATS:
            self._heartbeat_received(envelope)
        else:
            self._handlers[envelope.type](envelope.uid, envelope.data)

    def admit(self, channel: str, uid: str, nsp: str, seq: int | None) -> bool:
        """Note that a message has come; returns whether it is from another server.

        Raises:
            Malformed: it is ignored.
        """
        if nsp != self.host.name:
            raise Malformed("other namespace")
        if uid == self.cluster.uid:
            return False
        if seq is not None and self._copies.is_copy(uid, channel, seq):
            raise Malformed("copy")
        heartbeats = self.cluster.heartbeats
        if heartbeats is not None and uid != EMITTER and not heartbeats.heard(self, uid):
            raise Malformed("too many servers")
        return True

    def _broadcast_received(self, uid: str, data: BroadcastData) -> None:
        target = data.opts.target
        if data.request_id is None:
            self.event_from_bus(data.packet.data, target)
            return
        event, *args = data.packet.data
        broadcast = Broadcast(event, tuple(args), target, self.host.encode, self.host.next_ack_id())
        broadcast.message  # noqa: B018  # raises here if it cannot be encoded
        self._inquiries.call(uid, data.request_id, broadcast, data.opts.timeout)
