"""The messages of the classic Redis adapter: vectors recorded from Node's packages, both ways, and hostile ones."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.node_messages import Recorded, recorded, shown
from support.values import json_values

from trio_socketio.adapters.cluster import Envelope, Malformed, MessageType
from trio_socketio.adapters.cluster._messages import BroadcastData
from trio_socketio.adapters.redis._classic_wire import (
    decode_broadcast,
    decode_request,
    decode_response,
    encode_classic,
    request_data,
    response_data,
    subject,
)

VECTORS = recorded("redis_classic.md")


def decoded(line: Recorded) -> Envelope | str:
    if line.kind == "broadcast":
        message = decode_broadcast(line.payload)
        data = BroadcastData(message.packet, message.opts)
        return Envelope(message.uid, message.packet.nsp, MessageType.BROADCAST, data, message.seq)
    if line.kind == "response":
        response = decode_response(line.payload)
        return Envelope(response.uid or "", "/", *response_data(response, line.payload), response.seq)
    request = decode_request(line.payload)
    if request.type < 2 or subject(request) is not None:
        keys = {key: value for key, value in msgspec.to_builtins(request).items() if value or key == "type"}
        return f"old request {json.dumps(keys)}"
    return Envelope(request.uid, "/", *request_data(request), request.seq)


@pytest.mark.rows("I5", "I8")
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_message_of_node_is_understood(vector: Any) -> None:
    for line, expected in zip(vector.lines, vector.expect, strict=True):
        assert shown(decoded(line)) == expected


@pytest.mark.rows("I5")
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_own_message_is_the_same_as_that_of_node(vector: Any) -> None:
    for line in vector.lines:
        with suppress(Malformed):
            envelope = decoded(line)
            if isinstance(envelope, Envelope) and envelope.uid and "date" not in vector.name:
                data = msgspec.to_builtins(envelope.data, builtin_types=(bytes,))
                own = encode_classic(envelope.uid, envelope.type, data)
                assert (own[:1] == b"{") == (line.payload[:1] == b"{") or "binary" in vector.name
                assert plain(own) == plain(line.payload)


def plain(payload: bytes) -> Any:
    if payload.startswith(b"{"):
        return without_nothing(json.loads(payload))
    return without_nothing(msgspec.msgpack.decode(payload))


def without_nothing(value: Any) -> Any:
    """Leave out keys whose value is None, because Node leaves out what is undefined."""
    if isinstance(value, dict):
        return {key: without_nothing(item) for key, item in value.items() if item is not None}
    return value


@pytest.mark.rows("I5")
@pytest.mark.parametrize("kind", ["broadcast", "request", "response"])
@given(payload=st.binary() | json_values().map(lambda value: json.dumps(value).encode()))
def test_hostile_message_is_malformed_or_understood(kind: str, payload: bytes) -> None:
    with suppress(Malformed):
        decoded(Recorded(kind, payload))


KEYS = (
    "uid",
    "requestId",
    "type",
    "opts",
    "rooms",
    "close",
    "data",
    "packet",
    "sid",
    "room",
    "seq",
    "sockets",
)
OPTIONS = st.fixed_dictionaries({}, optional=dict.fromkeys(("rooms", "except", "flags"), json_values()))


@pytest.mark.rows("I5")
@given(
    message=st.dictionaries(st.sampled_from(KEYS), json_values() | OPTIONS),
    number=st.integers(-1, 11),
    is_json=st.booleans(),
    kind=st.sampled_from(["request", "response"]),
)
def test_message_with_wrong_types_is_malformed_or_understood(
    message: dict[str, Any], number: int, is_json: bool, kind: str
) -> None:
    message = {"type": number, **message}
    payload = json.dumps(message).encode() if is_json else msgspec.msgpack.encode(message)
    with suppress(Malformed):
        decoded(Recorded(kind, payload))


@pytest.mark.parametrize(
    ("kind", "payload", "defect"),
    [
        ("broadcast", b"\x80\x04\x95.", "invalid"),
        ("broadcast", b"", "garbage"),
        ("broadcast", b"\x93" + b"\x91" * 100_000, "invalid"),
        ("broadcast", b"\x93\xa1a\x81\xa4data\x91" + b"\x91" * 100_000, "deep"),
        ("request", b'{"type":7,"requestId":"x","packet":{"data":["a"]}}', "request without opts"),
        ("request", b'{"type":5,"requestId":"x"}', "request without opts"),
        ("request", b'{"type":2,"rooms":["x"]}', "request without opts"),
        ("request", b'{"type":6}', "invalid"),
        ("request", b'{"type":5,"opts":{}}', "invalid"),
        ("request", b'{"type":99,"opts":{},"requestId":"x"}', "unknown type"),
        ("request", b'{"type":7,"opts":{},"requestId":"x"}', "invalid"),
        ("request", b'{"type":2,"opts":' + b'{"flags":' * 100_000, "deep"),
        ("response", b'{"type":5,"requestId":"x"}', "unknown type"),
        ("response", b'{"type":8,"requestId":"x","clientCount":-1}', "invalid"),
    ],
)
def test_kind_of_a_malformed_message(kind: str, payload: bytes, defect: str) -> None:
    with pytest.raises(Malformed) as caught:
        decoded(Recorded(kind, payload))
    assert caught.value.kind == defect


def test_message_of_this_server_is_numbered() -> None:
    opts = {"rooms": [], "except": [], "flags": {}}
    packet = {"type": 2, "data": ["ev"], "nsp": "/"}
    broadcast = encode_classic("a", MessageType.BROADCAST, {"packet": packet, "opts": opts}, 7)
    assert decode_broadcast(broadcast).seq == 7
    assert decode_request(encode_classic("a", MessageType.FETCH_SOCKETS, {"opts": opts}, 8)).seq == 8


def test_lone_surrogate_becomes_the_replacement_character() -> None:
    opts = {"rooms": [], "except": [], "flags": {}}
    packet = {"type": 2, "data": ["ev", "\ud800"], "nsp": "/"}
    payload = encode_classic("a", MessageType.BROADCAST, {"packet": packet, "opts": opts}, 7)
    assert decode_broadcast(payload).packet.data == ["ev", "\ufffd"]
