"""Events that are encoded in one step are equal to those of the general encoder, in each format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from support.adapters import broadcast
from support.values import json_values

from trio_socketio._core import EventWriter
from trio_socketio.adapters import Target
from trio_socketio.adapters.cluster import MessageType, encode, options_of
from trio_socketio.adapters.cluster._wire import event_writer
from trio_socketio.adapters.redis._classic_wire import classic_event_writer, encode_classic
from trio_socketio.adapters.redis._streams_wire import content_writer, fields_of

UID, NSP = "0123456789abcdef", "/chat"
TARGETS = [
    Target(),
    Target(frozenset({"a"})),
    Target(frozenset({"a"}), frozenset({"b"}), volatile=True, compress=False),
    Target(None, frozenset({"c"})),
]

#: Each encoder, how its result is decoded, and the general encoder of the format.
FORMATS: dict[str, tuple[Callable[[str], EventWriter], Callable[[bytes], Any], Callable[[Any], bytes]]] = {
    "classic": (
        classic_event_writer,
        msgspec.msgpack.decode,
        lambda data: encode_classic(UID, MessageType.BROADCAST, data, 7),
    ),
    "envelope": (
        event_writer,
        msgspec.json.decode,
        lambda data: encode(UID, NSP, MessageType.BROADCAST, data, 7),
    ),
    "streams": (
        content_writer,
        msgspec.json.decode,
        lambda data: fields_of(UID, NSP, MessageType.BROADCAST, data)[7],
    ),
}
each_format = pytest.mark.parametrize("name", FORMATS)


def in_general(name: str, target: Target, *data: Any) -> Any:
    _, decode, general = FORMATS[name]
    packet = {"type": 2, "data": list(data), "nsp": NSP}
    return decode(general({"packet": packet, "opts": options_of(target)}))


def write(name: str, writer: EventWriter, *args: Any, target: Target = TARGETS[0], uid: str = UID) -> Any:
    payload = writer.write(uid, broadcast(*args, target=target), None if name == "streams" else 7)
    return None if payload is None else FORMATS[name][1](payload)


@pytest.mark.rows("I5")
@given(json_values())
@each_format
def test_event_writer_encodes_like_the_general_encoder(name: str, value: Any) -> None:
    writer = FORMATS[name][0](NSP)
    for target in (*TARGETS, *TARGETS):
        written = write(name, writer, "ev", value, target=target)
        if written is not None:  # values may be out of range
            assert written == in_general(name, target, "ev", value)


@pytest.mark.rows("I5")
@each_format
def test_event_writer_does_not_mix_targets_up(name: str) -> None:
    writer = FORMATS[name][0](NSP)
    for target in (*TARGETS, *reversed(TARGETS)):
        assert write(name, writer, "ev", 1, target=target) == in_general(name, target, "ev", 1)


@pytest.mark.parametrize("name", ["classic", "envelope"])
def test_event_writer_uses_the_new_id_of_a_server(name: str) -> None:
    writer = FORMATS[name][0](NSP)
    for uid in (UID, "fedcba9876543210", UID):
        assert uid in str(write(name, writer, "ev", uid=uid))


@pytest.mark.parametrize("value", [b"binary", {"in": [b"it"]}, "\ud800", print, {1, 2}], ids=ascii)
@each_format
def test_event_writer_leaves_unusual_arguments_to_the_general_encoder(name: str, value: Any) -> None:
    assert write(name, FORMATS[name][0](NSP), "ev", value) is None


def test_numbers_that_messagepack_does_not_have_are_left_to_the_general_encoder() -> None:
    assert write("classic", classic_event_writer(NSP), "ev", 2**64) is None


@each_format
def test_event_writer_leaves_unusual_rooms_to_the_general_encoder(name: str) -> None:
    writer = FORMATS[name][0](NSP)
    for _ in range(2):
        assert write(name, writer, "ev", 1, target=Target(frozenset({"\ud800"}))) is None
    assert write(name, writer, "ev", 1) == in_general(name, TARGETS[0], "ev", 1)
