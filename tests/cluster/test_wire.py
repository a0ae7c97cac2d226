"""The encoding of messages between servers, against bytes that Node's packages have made.

The messages were recorded with socket.io 4.8, socket.io-adapter 2.5.9 and notepack.io 3; those with binary are
MessagePack, as socket.io-redis-adapter makes them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from trio_socketio import LocalProtocolError
from trio_socketio.adapters.cluster import (
    Envelope,
    Malformed,
    MessageType,
    decode,
    encode,
    pack,
    pack_binary,
    portable,
)
from trio_socketio.socketio import Target

pytestmark = pytest.mark.rows("I3")

UID = "0123456789abcdef"


def node(kind: int, data: str) -> bytes:
    """Return a message as Node writes it in JSON."""
    return f'{{"type":{kind},"data":{data},"uid":"{UID}","nsp":"/"}}'.encode()


@pytest.mark.parametrize("kind", [1, 2, 13])
def test_heartbeats_of_node_have_no_data(kind: int) -> None:
    payload = f'{{"type":{kind},"uid":"{UID}","nsp":"/"}}'.encode()
    assert decode(payload) == Envelope(UID, "/", MessageType(kind), None)


def test_broadcast_of_node() -> None:
    payload = node(
        3,
        '{"packet":{"type":2,"data":["ev",1,"ü",null]},'
        '"opts":{"rooms":["a","b"],"except":["c"],"flags":{"volatile":true,"compress":false}}}',
    )
    data = decode(payload).data
    assert data.packet.data == ["ev", 1, "ü", None]
    assert data.request_id is None
    assert data.opts.target == Target(
        frozenset({"a", "b"}), frozenset({"c"}), volatile=True, compress=False, local=True
    )


def test_numbers_of_node_name_rooms() -> None:
    payload = node(
        3,
        '{"packet":{"data":["ev"]},"opts":{"rooms":[7,-0.0,1.5,1e20,"7"],"except":[9007199254740992,-3],"flags":{}}}',
    )
    assert decode(payload).data.opts.target == Target(
        frozenset({"7", "0", "1.5", "100000000000000000000"}),
        frozenset({"9007199254740992", "-3"}),
        local=True,
    )
    with pytest.raises(Malformed, match="invalid"):
        decode(node(3, '{"packet":{"data":["ev"]},"opts":{"rooms":[true],"except":[],"flags":{}}}'))
    (socket,) = decode(node(8, '{"requestId":"r","sockets":[{"id":"s","rooms":["s",7]}]}')).data.sockets
    assert socket.record.rooms == {"s", "7"}


def test_broadcast_of_node_without_rooms_is_for_everybody() -> None:
    payload = node(
        3,
        '{"packet":{"type":2,"data":["ask"]},"requestId":"97bab8303cd50aae",'
        '"opts":{"rooms":[],"except":[],"flags":{"timeout":800}}}',
    )
    data = decode(payload).data
    assert (data.request_id, data.opts.timeout) == ("97bab8303cd50aae", 0.8)
    assert data.opts.target == Target(local=True)


def test_binary_broadcast_of_node() -> None:
    payload = bytes.fromhex(
        "84a47479706503a46461746182a67061636b657482a47479706502a46461746196a26576c4020102c083a3626967cf0000000100000000"
        "a56269673533cf001fffffffffffffa36e6567d3ffffff0000000000d7ff1d5353006553f100d6ff00000000a46f70747383a5726f6f"
        "6d7390a665786365707490a5666c61677380a3756964b030313233343536373839616263646566a36e7370a12f"
    )
    assert decode(payload).data.packet.data == [
        "ev",
        b"\x01\x02",
        None,
        {"big": 2**32, "big53": 2**53 - 1, "neg": -(2**40)},
        "2023-11-14T22:13:20.123Z",
        "1970-01-01T00:00:00.000Z",
    ]


def test_lone_surrogate_of_node_becomes_a_replacement_character() -> None:
    payload = node(
        3, '{"packet":{"type":2,"data":["ev","\\ud800"]},"opts":{"rooms":[],"except":[],"flags":{}}}'
    )
    assert decode(payload).data.packet.data == ["ev", "\ufffd"]
    with pytest.raises(Malformed, match="garbage"):
        decode(payload[:-1])


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        (4, '{"opts":{"rooms":["a"],"except":[],"flags":{}},"rooms":["b","c"]}', {"rooms": ["b", "c"]}),
        (5, '{"opts":{"rooms":["a"],"except":[],"flags":{}},"rooms":["b"]}', {"rooms": ["b"]}),
        (6, '{"opts":{"rooms":["a"],"except":[],"flags":{}},"close":true}', {"close": True}),
        (7, '{"opts":{"rooms":[],"except":[],"flags":{}},"requestId":"r"}', {"request_id": "r"}),
        (8, '{"requestId":"r3","sockets":[]}', {"request_id": "r3", "sockets": []}),
        (9, '{"packet":["ev",1]}', {"packet": ["ev", 1], "request_id": None}),
        (9, '{"requestId":"86e4","packet":["ev",1]}', {"packet": ["ev", 1], "request_id": "86e4"}),
        (10, '{"requestId":"r1","packet":2}', {"request_id": "r1", "packet": 2}),
        (10, '{"requestId":"r1"}', {"request_id": "r1", "packet": None}),
        (11, '{"requestId":"r2","clientCount":0}', {"client_count": 0, "sids": None}),
        (12, '{"requestId":"r2","packet":"x"}', {"value": "x", "sid": None}),
    ],
)
def test_other_messages_of_node(kind: int, data: str, expected: dict[str, Any]) -> None:
    decoded = decode(node(kind, data))
    assert decoded.type is MessageType(kind)
    assert {name: getattr(decoded.data, name) for name in expected} == expected


def test_sockets_of_node() -> None:
    data = (
        '{"requestId":"r","sockets":[{"id":"s","handshake":{"time":"t","issued":1},'
        '"rooms":["s","a"],"data":{"x":1}}]}'
    )
    (record,) = decode(node(8, data)).data.sockets
    assert (record.id, record.rooms, record.data) == ("s", {"s", "a"}, {"x": 1})


def test_undefined_of_older_versions_of_notepack_is_none() -> None:
    packed = msgspec.msgpack.encode(
        {"uid": UID, "nsp": "/", "type": 9, "data": {"packet": ["ev", msgspec.msgpack.Ext(0, b"\0")]}}
    )
    assert decode(packed).data.packet == ["ev", None]


def test_message_without_binary_is_json_and_one_with_binary_messagepack() -> None:
    assert encode(UID, "/", MessageType.SERVER_SIDE_EMIT, {"packet": ["ev"]}, 7) == (
        b'{"uid":"0123456789abcdef","nsp":"/","type":9,"seq":7,"data":{"packet":["ev"]}}'
    )
    packed = encode(
        UID, "/", MessageType.SERVER_SIDE_EMIT, {"packet": ["ev", (b"x", {"k": bytearray(b"y")})]}, 7
    )
    assert packed[0] == 0x85
    assert decode(packed) == Envelope(UID, "/", MessageType.SERVER_SIDE_EMIT, decode(packed).data, 7)
    assert decode(packed).data.packet == ["ev", [b"x", {"k": b"y"}]]


def test_types_that_json_does_not_have_are_converted_beside_binary_as_without() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    (without,) = msgspec.json.decode(pack([moment]))
    assert msgspec.msgpack.decode(pack([moment, b"x"])) == [without, b"x"]


@pytest.mark.parametrize(
    "value",
    [object(), [object(), b"x"], [2**70, b"x"]],
    ids=["object", "object and binary", "integer and binary"],
)
def test_value_that_cannot_be_encoded_is_refused(value: Any) -> None:
    with pytest.raises(LocalProtocolError):
        pack(value)


def test_deep_value_beside_a_lone_surrogate_is_refused_as_messagepack_and_not_portable() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(LocalProtocolError, match="too deeply"):
        pack_binary(["\ud800", deep])
    assert portable({"text": "\ud800", "deep": ["\ud800", deep]}) == {"text": "\ud800"}


def test_portable_keeps_what_can_be_encoded() -> None:
    assert portable({"a": 1, "b": object(), 3: "number", "c": b"x"}) == {"a": 1, "c": b"x"}
    assert portable([object()]) is None
    assert portable("text") == "text"


JSON_HEAD = b'{"uid":"a","nsp":"/","type":'


@pytest.mark.rows("I20")
@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b"", "garbage"),
        (b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94.", "invalid"),
        (b"\x80", "invalid"),
        (b"{", "garbage"),
        (b"[1,2]", "invalid"),
        (b"\xc1", "garbage"),
        (b'{"uid":5,"nsp":"/","type":1}', "invalid"),
        (b'{"uid":"' + b"x" * 65 + b'","nsp":"/","type":1}', "invalid"),
        (b'{"nsp":"/","type":1}', "invalid"),
        (JSON_HEAD + b"99}", "unknown type"),
        (JSON_HEAD + b'"3"}', "invalid"),
        (JSON_HEAD + b"3}", "invalid"),
        (JSON_HEAD + b'3,"seq":-1}', "invalid"),
        (JSON_HEAD + b'3,"data":{}}', "invalid"),
        (JSON_HEAD + b'3,"data":{"packet":{"type":2,"data":["ev"]}}}', "invalid"),
        (JSON_HEAD + b'3,"data":{"packet":{"type":2,"data":[]},"opts":{}}}', "invalid"),
        (JSON_HEAD + b'3,"data":{"packet":{"type":3,"data":["ev"]},"opts":{}}}', "invalid"),
        (JSON_HEAD + b'3,"data":{"packet":{"type":2,"data":["ev"]},"opts":{"rooms":[null]}}}', "invalid"),
        (JSON_HEAD + b'4,"data":{"opts":{},"rooms":"r"}}', "invalid"),
        (JSON_HEAD + b'11,"data":{"requestId":"r","clientCount":-1}}', "invalid"),
        (JSON_HEAD + b'11,"data":{"requestId":"r","clientCount":1e99}}', "invalid"),
        (JSON_HEAD + b'9,"data":{"packet":["ev",' + b"[" * 100_000 + b"]" * 100_000 + b"]}}", "deep"),
        (b"\x81\xa4data" + b"\x91" * 100_000 + b"\xc0", "deep"),
        (b"\x81\xa3uid\xc7\x04\x05abcd", "invalid"),
        (b"\x81\xa3uid\xdb\xff\xff\xff\xffx", "garbage"),
    ],
)
def test_hostile_message_is_malformed(payload: bytes, kind: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode(payload)
    assert caught.value.kind == kind


@pytest.mark.parametrize("kind", ["json", "msgpack"])
def test_broadcast_that_cannot_be_decoded_in_one_step(kind: str) -> None:
    def message(data: Any) -> bytes:
        content = {"uid": UID, "nsp": "/", "type": 3, "data": data}
        return msgspec.json.encode(content) if kind == "json" else msgspec.msgpack.encode(content)

    event = {"packet": {"type": 2, "data": ["ev"]}, "opts": {"rooms": ["a"]}}
    assert decode(message(event)).data.packet.data == ["ev"]
    for wrong in ({}, None, {**event, "opts": 5}, {**event, "packet": {"type": 3, "data": ["ev"]}}):
        with pytest.raises(Malformed, match="invalid"):
            decode(message(wrong))
    other = {"uid": UID, "type": 4, "data": {"opts": {}, "rooms": ['"type":3,', "\xa4type\x03"]}}
    assert decode(msgspec.json.encode(other)).type is MessageType.SOCKETS_JOIN


def test_broadcast_with_a_lone_surrogate() -> None:
    payload = node(3, '{"packet":{"type":2,"data":["\\ud800"]},"opts":{}}')
    assert decode(payload).data.packet.data == ["\ufffd"]
