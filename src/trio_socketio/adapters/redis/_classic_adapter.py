"""The adapter of a namespace with the channels and messages of Node's package @socket.io/redis-adapter."""

from __future__ import annotations

from typing import Any, TypeVar

from trio_socketio._core import EventWriter
from trio_socketio.adapters._members import LocalMember, NamespaceHost
from trio_socketio.adapters.cluster import Cluster, Envelope, EnvelopeAdapter, Malformed, MessageType, pack
from trio_socketio.adapters.cluster._messages import Options
from trio_socketio.adapters.redis._classic_messages import ClassicRequest, RequestType
from trio_socketio.adapters.redis._classic_wire import (
    classic_event_writer,
    decode_broadcast,
    decode_request,
    decode_response,
    encode_classic,
    event_reader,
    request_data,
    response_data,
    subject,
)
from trio_socketio.socketio import Target

__all__ = ["ClassicAdapter"]

M = TypeVar("M", bound=LocalMember)


class ClassicAdapter(EnvelopeAdapter[M]):
    """A cluster adapter whose messages are those of Node's classic Redis adapter.

    Broadcasts have a channel for each namespace, or for each room if exactly one is chosen; a pattern subscribes to all
    of them. Requests have one channel, which every server subscribes to exactly once, because its subscribers are
    counted. Responses have a channel for all servers and one for each.

    Args:
        host: the namespace.
        cluster: the server's part in the cluster.
        key: what the names of all channels begin with.
        specific_responses: whether responses go to the channel of the server that has asked.
    """

    def __init__(
        self,
        host: NamespaceHost[M],
        cluster: Cluster,
        key: str = "socket.io",
        *,
        specific_responses: bool = False,
    ) -> None:
        super().__init__(host, cluster, key)
        self._requests = f"{key}-request#{host.name}#"
        self._responses = f"{key}-response#{host.name}#"
        # The seal of a message holds its channel, and with a pattern the channel is not known.
        self._events = self._prefix if cluster.is_sealed else f"{self._prefix}*"
        self._specific_responses = specific_responses
        self._read_event = event_reader(host.name).read
        self._unnamed = 0

    # channels

    @property
    def main_channel(self) -> str:
        """See ``ClusterAdapter.main_channel``."""
        return self._requests

    def node_channel(self, uid: str) -> str:
        """See ``EnvelopeAdapter.node_channel``."""
        return f"{self._responses}{uid}#"

    def channel_of(self, target: Target) -> str:
        """See ``EnvelopeAdapter.channel_of``."""
        if target.rooms is None or len(target.rooms) != 1 or self.cluster.is_sealed:
            return self._prefix
        (room,) = target.rooms
        return f"{self._prefix}{room}#"

    def begin(self) -> None:
        """See ``ClusterAdapter.begin``. The channel whose subscribers are counted comes last."""
        for channel in (
            self.node_channel(self.cluster.uid),
            self._responses,
            self._events,
            self._requests,
        ):
            self.cluster.subscribe(channel, self.receive)

    # sending

    def encode(self, kind: MessageType, data: dict[str, Any] | None = None) -> bytes:
        """See ``EnvelopeAdapter.encode``."""
        assert data is not None
        self._seq += 1
        return encode_classic(self.cluster.uid, kind, data, self._seq)

    def event_writer(self) -> EventWriter:
        """See ``EnvelopeAdapter.event_writer``."""
        return classic_event_writer(self.host.name)

    def answer_channel(self, uid: str, kind: MessageType | None) -> str:
        """See ``EnvelopeAdapter.answer_channel``. The values of server-side events go to all servers, as in Node."""
        is_specific = self._specific_responses and uid and kind is not MessageType.SERVER_SIDE_EMIT_RESPONSE
        return self.node_channel(uid) if is_specific else self._responses

    def _respond(self, uid: str, payload: bytes) -> None:
        channel = self.answer_channel(uid, None)
        self.cluster.queue.put_or_drop(channel, self.cluster.seal(channel, payload))

    # receiving

    def receive(self, channel: str, payload: bytes) -> None:
        """See ``EnvelopeAdapter.receive``."""
        if channel == self._events:
            event = None if self.host.is_keyed else self._read_event(payload)
            if event is None:
                self._event_received(channel, payload)
                return
            uid, seq, target, message = event
            if self.admit(channel, uid, self.host.name, seq):
                self.message_from_bus(message, target)
        elif channel == self._requests:
            self._request_received(channel, decode_request(payload))
        else:
            self._response_received(channel, payload)

    def _event_received(self, channel: str, payload: bytes) -> None:
        decoded = decode_broadcast(payload)
        packet = decoded.packet
        if self.admit(channel, decoded.uid, packet.nsp, decoded.seq):
            self.event_from_bus(packet.data, decoded.opts.target)

    def _request_received(self, channel: str, request: ClassicRequest) -> None:
        sid = subject(request)
        if sid is not None:
            self._old_request_received(request, sid)
        elif request.type in (RequestType.SOCKETS, RequestType.ALL_ROOMS):
            self._names_requested(request)
        else:
            self.handle(channel, Envelope(request.uid, self.host.name, *request_data(request), request.seq))

    def _response_received(self, channel: str, payload: bytes) -> None:
        response = decode_response(payload)
        request_id = response.request_id
        if request_id is None or not self.requests.is_pending(request_id):
            return  # an answer to another server
        uid = response.uid
        if uid is None:  # Node does not tell which server answers
            self._unnamed += 1
            uid = f"?{self._unnamed}"
        self.handle(channel, Envelope(uid, self.host.name, *response_data(response, payload), response.seq))

    # requests that this server answers and does not send

    def _names_requested(self, request: ClassicRequest) -> None:
        """Answer with the ids of sockets, or with the names of all rooms."""
        if request.request_id is None:
            raise Malformed("invalid")
        names: set[str] = set()
        if request.type == RequestType.SOCKETS:
            names.update(member.id for member in self.select(Options(request.rooms).target))
        else:
            for member in self.members.values():
                names |= self.rooms_of(member)
        key = "sockets" if request.type == RequestType.SOCKETS else "rooms"
        self._respond(request.uid, pack({"requestId": request.request_id, key: list(names)}))

    def _old_request_received(self, request: ClassicRequest, sid: str) -> None:
        """Apply a request for one socket. The server that has the socket answers."""
        if sid not in self.members:
            return
        target = Target(frozenset((sid,)), local=True)
        if request.type == RequestType.REMOTE_DISCONNECT:
            self.disconnect_from_bus(target, request.close)
        elif request.room is None:
            raise Malformed("invalid")
        elif request.type == RequestType.REMOTE_JOIN:
            self.join_from_bus(target, [request.room])
        else:
            self.leave_from_bus(target, [request.room])
        if request.request_id is not None:
            self._respond(request.uid, pack({"requestId": request.request_id}))
