"""A server's own messages are recognised by their beginning."""

from __future__ import annotations

from typing import Any

import pytest
from support.adapters import broadcast

from trio_socketio.adapters.cluster import MessageType, encode
from trio_socketio.adapters.cluster._wire import event_writer
from trio_socketio.adapters.redis._classic_wire import classic_event_writer, encode_classic
from trio_socketio.adapters.redis._echo import own_prefixes

UID, OTHER = "0123456789abcdef", "fedcba9876543210"

OPTS = {"rooms": ["a"], "except": [], "flags": {"volatile": True}}
PACKET = {"type": 2, "data": ["ev", b"x"], "nsp": "/"}
MESSAGES: list[tuple[MessageType, dict[str, Any]]] = [
    (MessageType.BROADCAST, {"packet": PACKET, "opts": OPTS}),
    (MessageType.BROADCAST, {"packet": PACKET, "opts": OPTS, "requestId": "r"}),
    (MessageType.SOCKETS_JOIN, {"opts": OPTS, "rooms": ["b"]}),
    (MessageType.FETCH_SOCKETS, {"opts": OPTS, "requestId": "r"}),
    (MessageType.FETCH_SOCKETS_RESPONSE, {"requestId": "r", "sockets": [{"data": b"x"}]}),
    (MessageType.SERVER_SIDE_EMIT, {"packet": ["ev"], "requestId": "r"}),
    (MessageType.BROADCAST_CLIENT_COUNT, {"requestId": "r", "clientCount": 1, "sids": ["s"]}),
    (MessageType.BROADCAST_ACK, {"requestId": "r", "packet": b"x", "sid": "s", "args": []}),
]


@pytest.mark.parametrize(("kind", "data"), MESSAGES, ids=lambda item: getattr(item, "name", ""))
def test_own_message_begins_with_a_prefix_and_that_of_another_server_does_not(
    kind: MessageType, data: dict[str, Any]
) -> None:
    for seq in (1, 70_000):
        assert encode_classic(UID, kind, data, seq).startswith(own_prefixes(UID))
        assert not encode_classic(OTHER, kind, data, seq).startswith(own_prefixes(UID))
        assert encode(UID, "/", kind, data, seq).startswith(own_prefixes(UID))
        assert not encode(OTHER, "/", kind, data, seq).startswith(own_prefixes(UID))


@pytest.mark.parametrize("make", [classic_event_writer, event_writer], ids=["classic", "envelope"])
def test_own_event_that_is_encoded_in_one_step_begins_with_a_prefix(make: Any) -> None:
    payload = make("/").write(UID, broadcast("ev", 1), 7)
    assert payload.startswith(own_prefixes(UID))
    assert not payload.startswith(own_prefixes(OTHER))
