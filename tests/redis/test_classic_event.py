"""Events that are decoded in one step are equal to those of the general decoder."""

from __future__ import annotations

import json
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.adapters import Host
from support.node_messages import recorded
from support.values import json_values

from trio_socketio.adapters import Target
from trio_socketio.adapters.cluster import Malformed
from trio_socketio.adapters.redis import RedisAdapter
from trio_socketio.adapters.redis._classic_wire import decode_broadcast, event_reader
from trio_socketio.errors import LocalProtocolError
from trio_socketio.socketio import encode_event

UID, NOTHING = "0123456789abcdef", {"rooms": [], "except": [], "flags": {}}

Event = tuple[str, int | None, Target, Any]


def fast(payload: bytes, nsp: str = "/chat") -> Event | None:
    found = event_reader(nsp).read(payload)
    return None if found is None else (*found[:3], data_of(found[3], nsp))


def slow(payload: bytes, nsp: str = "/chat") -> Event | None:
    try:
        message = decode_broadcast(payload)
        event, *args = message.packet.data
        encoded = encode_event(event, args, nsp)
    except (Malformed, LocalProtocolError):
        return None
    if message.packet.nsp != nsp:
        return None
    return message.uid, message.seq, message.opts.target, data_of(encoded, nsp)


def data_of(message: Any, nsp: str) -> Any:
    head = "42" if nsp == "/" else f"42{nsp},"
    text = message.payload().decode()
    assert text.startswith(head)
    return json.loads(text[len(head) :])


def message(
    *data: Any, uid: Any = UID, nsp: Any = "/chat", opts: Any = NOTHING, rest: tuple[Any, ...] = (7,)
) -> bytes:
    return msgspec.msgpack.encode([uid, {"type": 2, "data": data, "nsp": nsp}, opts, *rest])


@pytest.mark.rows("I5")
@given(value=json_values(), name=st.text(max_size=12))
def test_event_is_decoded_as_in_general(value: Any, name: str) -> None:
    payload = message(name, value)
    found = fast(payload)
    assert found is not None
    assert found[:3] == (UID, 7, Target(local=True))
    assert repr(found) == repr(slow(payload))


@pytest.mark.rows("I5")
def test_options_and_numbers_are_decoded_as_in_general() -> None:
    for opts in (
        {"rooms": ["a"], "except": ["b", "c"], "flags": {"volatile": True, "compress": False}},
        {"rooms": ["é" * 200]},
        {"flags": {"timeout": 5}, "other": {"x": [1]}},
        {},
    ):
        for rest in ((), (0,), (2**53 - 1,)):
            payload = message("ev", opts=opts, rest=rest)
            assert fast(payload) == slow(payload) is not None


def test_targets_are_not_mixed_up() -> None:
    read = event_reader("/chat").read
    for room in [*"abcab", *map(str, range(2000)), *"ab"]:
        found = read(message("ev", opts={"rooms": [room]}))
        assert found is not None
        assert found[2] == Target(frozenset({room}), local=True)


UNUSUAL = [
    message("ev", b"binary"),
    message("ev", {1: 2}),
    message("connect"),
    message(5, 1),
    message(),
    message("ev", nsp="/other"),
    message("ev", uid="u" * 65),
    message("ev", uid=5),
    message("ev", opts={"rooms": 5}),
    message("ev", opts={"rooms": "a"}),
    message("ev", rest=(-1,)),
    message("ev", rest=(None,)),
    message("ev", rest=(2**53,)),
    message("ev", rest=(1, 2)),
    message("ev", msgspec.msgpack.Ext(0, b"\0")),
    message("ev", "x" * 16384),
    message("ev", json.loads("[" * 65 + "]" * 65)),
    message("ev")[:-1],
    message("ev") + b"\0",
    message("ev", "text").replace(b"text", b"te\xfft"),
    message("ev", opts={"rooms": ["text"]}).replace(b"text", b"te\xfft"),
    message("ev", uid="text").replace(b"text", b"te\xfft"),
]


def test_unusual_message_is_left_to_the_general_decoder() -> None:
    assert [payload for payload in UNUSUAL if fast(payload) is not None] == []


@pytest.mark.rows("I5", "I8")
def test_events_of_node_are_decoded_as_in_general() -> None:
    lines = [line for vector in recorded("redis_classic.md") for line in vector.lines]
    events = [(line.payload, nsp) for line in lines if line.kind == "broadcast" for nsp in ("/", "/ok")]
    usual = [event for event in events if fast(*event) is not None]
    assert len(usual) >= 4
    assert [fast(*event) for event in usual] == [slow(*event) for event in usual]


def test_broken_message_is_never_decoded_otherwise_than_in_general() -> None:
    dice = random.Random(7)
    value = {"a": [1.5, -7, 2**40, None, True, 'é\x1e"\\'], "b": {"c": "x" * 40}}
    usual = message("ev", value, opts={"rooms": ["a"], "except": ["b"]})
    found = 0
    for _ in range(5000):
        payload = bytearray(usual)
        for _ in range(dice.randrange(1, 4)):
            payload[dice.randrange(len(payload))] = dice.randrange(256)
        event = fast(bytes(payload))
        if event is not None:
            found += 1
            assert repr(event) == repr(slow(bytes(payload)))
    assert found > 100


@pytest.mark.parametrize("is_keyed", [False, True])
def test_message_that_needs_a_key_is_encoded_by_the_namespace(is_keyed: bool) -> None:
    class EncodingHost(Host):
        def encode(self, event: Any, *rest: Any) -> Any:
            encoded.append(event)
            return super().encode(event, *rest)

    encoded: list[str] = []
    host = EncodingHost()
    host.is_keyed = is_keyed
    RedisAdapter("redis://localhost").make(host).receive("socket.io#/#*", message("ev", 1, nsp="/"))
    assert encoded == (["ev"] if is_keyed else [])
