"""The adapter of a namespace with the messages of Node's Redis streams adapter."""

from __future__ import annotations

from typing import Any, TypeVar

from trio_socketio._core import EventWriter
from trio_socketio.adapters._broadcast import Broadcast
from trio_socketio.adapters._members import LocalMember, NamespaceHost
from trio_socketio.adapters.cluster import Cluster, EnvelopeAdapter, MessageType, options_of, pack_binary
from trio_socketio.adapters.cluster._queue import Outgoing
from trio_socketio.adapters.redis._streams_wire import content_writer, fields_of, join_words, words_of

__all__ = ["StreamsAdapter"]

M = TypeVar("M", bound=LocalMember)

#: What is written to the stream. Requests that need an answer, and events for servers, go by publish and subscribe.
STREAMED = {
    MessageType.BROADCAST,
    MessageType.SOCKETS_JOIN,
    MessageType.SOCKETS_LEAVE,
    MessageType.DISCONNECT_SOCKETS,
}


class StreamsAdapter(EnvelopeAdapter[M]):
    """A cluster adapter that writes broadcasts to a stream, and publishes requests and answers.

    Args:
        host: the namespace.
        cluster: the server's part in the cluster.
        channel_prefix: what the names of all channels begin with.
        stream: the key of the stream.
        only_plaintext: whether binary in broadcasts is refused.
    """

    def __init__(
        self,
        host: NamespaceHost[M],
        cluster: Cluster,
        channel_prefix: str,
        stream: str,
        *,
        only_plaintext: bool,
    ) -> None:
        super().__init__(host, cluster, channel_prefix)
        self._stream, self._only_plaintext = stream, only_plaintext

    def encode(self, kind: MessageType, data: dict[str, Any] | None = None) -> bytes:
        """See ``EnvelopeAdapter.encode``. What is published is always MessagePack."""
        self._seq += 1
        message = {
            "uid": self.cluster.uid,
            "nsp": self.host.name,
            "type": int(kind),
            "data": data,
            "seq": self._seq,
        }
        return pack_binary(message)

    def _entry(self, kind: MessageType, data: dict[str, Any]) -> Outgoing:
        self._seq += 1
        words = fields_of(
            self.cluster.uid, self.host.name, kind, data, self._seq, only_plaintext=self._only_plaintext
        )
        return self._stream, join_words(words)

    def event_writer(self) -> EventWriter:
        """See ``EnvelopeAdapter.event_writer``. The result is the content of the field ``data``."""
        return content_writer(self.host.name)

    def outgoing(self, kind: MessageType, data: dict[str, Any]) -> Outgoing:
        """See ``EnvelopeAdapter.outgoing``."""
        return self._entry(kind, data) if kind in STREAMED else super().outgoing(kind, data)

    def encode_broadcast(self, broadcast: Broadcast) -> Outgoing:
        """See ``ClusterAdapter.encode_broadcast``."""
        content = self._writer.write(self.cluster.uid, broadcast)
        if content is None:
            data = {"packet": self._packet(broadcast), "opts": options_of(broadcast.target)}
            return self._entry(MessageType.BROADCAST, data)
        self._seq += 1
        words = words_of(self.cluster.uid, self.host.name, MessageType.BROADCAST, content, self._seq)
        return self._stream, join_words(words)
