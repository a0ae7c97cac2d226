"""Events that are encoded in one step are equal to those of the general encoder."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from support.adapters import broadcast
from support.values import json_values

from trio_socketio.adapters import Target
from trio_socketio.adapters.cluster import MessageType, options_of
from trio_socketio.adapters.redis._classic_wire import EventWriter, encode_classic

UID = "0123456789abcdef"
TARGETS = [
    Target(),
    Target(frozenset({"a"})),
    Target(frozenset({"a"}), frozenset({"b"}), volatile=True, compress=False),
    Target(None, frozenset({"c"})),
]


def in_general(target: Target, *data: Any) -> Any:
    packet = {"type": 2, "data": list(data), "nsp": "/chat"}
    parts = {"packet": packet, "opts": options_of(target)}
    return msgspec.msgpack.decode(encode_classic(UID, MessageType.BROADCAST, parts, 7))


@pytest.mark.rows("I5")
@given(json_values())
def test_event_writer_encodes_like_the_general_encoder(value: Any) -> None:
    writer = EventWriter("/chat")
    for target in (*TARGETS, *TARGETS):
        payload = writer.write(UID, broadcast("ev", value, target=target), 7)
        if payload is not None:  # values may be out of range
            assert msgspec.msgpack.decode(payload) == in_general(target, "ev", value)


@pytest.mark.rows("I5")
def test_event_writer_does_not_mix_targets_up() -> None:
    writer = EventWriter("/chat")
    for target in (*TARGETS, *reversed(TARGETS)):
        payload = writer.write(UID, broadcast("ev", 1, target=target), 7)
        assert payload is not None
        assert msgspec.msgpack.decode(payload) == in_general(target, "ev", 1)


@pytest.mark.parametrize("value", [b"binary", {"in": [b"it"]}, "\ud800", 2**64, print, {1, 2}], ids=ascii)
def test_event_writer_leaves_unusual_arguments_to_the_general_encoder(value: Any) -> None:
    assert EventWriter("/chat").write(UID, broadcast("ev", value), 7) is None


def test_event_writer_leaves_unusual_rooms_to_the_general_encoder() -> None:
    writer = EventWriter("/chat")
    target = Target(frozenset({"\ud800"}))
    assert writer.write(UID, broadcast("ev", 1, target=target), 7) is None
    assert writer.write(UID, broadcast("ev", 1, target=target), 8) is None
