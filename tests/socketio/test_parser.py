"""Packets to messages and back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import oracle

from trio_socketio.errors import LocalProtocolError, RemoteProtocolError, ReservedEventError
from trio_socketio.socketio import (
    MAX_ACK_ID,
    RESERVED_EVENTS,
    Decoder,
    Packet,
    PacketType,
    encode,
    encode_event,
)

SIX = ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]

leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.binary(max_size=12)
arguments = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
names = st.text().filter(lambda name: name not in RESERVED_EVENTS) | st.integers(-(2**53), 2**53)
namespaces = st.just("/") | st.text(st.characters(exclude_characters=",\x1e", exclude_categories=["Cs"])).map(
    "/".__add__
)
ack_ids = st.none() | st.integers(0, MAX_ACK_ID)


def messages(packet: Packet) -> list[str | bytes]:
    """What the packet is on the wire, without the Engine.IO type digit."""
    parts, good = oracle.split_payload(encode(packet).payload())
    assert good
    assert isinstance(parts[0], str)
    assert parts[0][0] == "4"
    return [parts[0][1:], *parts[1:]]


def add(decoder: Decoder, message: str | bytes) -> Packet | None:
    """Text comes as UTF-8, an attachment as it is."""
    text = isinstance(message, str)
    packet = decoder.collect_text(message.encode()) if text else decoder.collect_binary(message)
    return None if packet is None else packet.packet()


def decode(*parts: str | bytes, max_attachments: int = 1000, max_bytes: int = 1_000_000) -> Packet | None:
    decoder = Decoder(max_attachments, max_bytes)
    for part in parts[:-1]:
        assert add(decoder, part) is None
    return add(decoder, parts[-1])


@pytest.mark.rows("D1", "D2", "D3")
@given(namespaces, names, st.lists(arguments, max_size=3), ack_ids)
def test_an_event_comes_back_as_it_went_out(namespace, name, args, ack_id):
    wire = messages(Packet(PacketType.EVENT, namespace, [name, *args], ack_id))
    kind, count, scanned, number, text = oracle.scan_head(wire[0], max_attachments=1000)
    assert (kind, count) == ((5, len(wire) - 1) if len(wire) > 1 else (2, 0))
    assert (scanned, number) == (namespace, ack_id)
    assert json.loads(text)[0] == name
    back = decode(*wire)
    assert (back.type, back.namespace, back.data, back.id) == (
        PacketType.EVENT,
        namespace,
        [name, *args],
        ack_id,
    )
    assert back.size == len(text.encode()) + sum(map(len, wire[1:]))


@pytest.mark.rows("D1", "D2")
@given(namespaces, st.lists(arguments, max_size=3), st.integers(0, MAX_ACK_ID))
def test_an_ack_comes_back_as_it_went_out(namespace, args, ack_id):
    wire = messages(Packet(PacketType.ACK, namespace, args, ack_id))
    assert wire[0][0] == ("6" if len(wire) > 1 else "3")
    back = decode(*wire)
    assert (back.type, back.namespace, back.data, back.id) == (PacketType.ACK, namespace, args, ack_id)


@pytest.mark.rows("D1")
@pytest.mark.parametrize(
    ("packet", "text"),
    [
        (Packet(PacketType.CONNECT, "/", {"sid": "x"}), '0{"sid":"x"}'),
        (Packet(PacketType.CONNECT, "/chat", {"sid": "x"}), '0/chat,{"sid":"x"}'),
        (Packet(PacketType.DISCONNECT), "1"),
        (Packet(PacketType.DISCONNECT, "/chat"), "1/chat,"),
        (
            Packet(PacketType.CONNECT_ERROR, "/x", {"message": "Invalid namespace"}),
            '4/x,{"message":"Invalid namespace"}',
        ),
        (Packet(PacketType.EVENT, "/", ["a", None], 0), '20["a",null]'),
        (Packet(PacketType.ACK, "/chat", [], 12), "3/chat,12[]"),
        (Packet(PacketType.EVENT, "/", ["说", "你好 😀"]), '2["说","你好 😀"]'),
    ],
)
def test_packets_look_as_the_protocol_writes_them(packet, text):
    assert messages(packet) == [text]


@given(st.text(max_size=30) | st.text(alphabet='0123456/-,[]{}"a_\\ud8\x00', max_size=30))
def test_whatever_comes_is_a_packet_or_a_remote_protocol_error(text):
    try:
        packet = decode(text)
    except RemoteProtocolError:
        return
    assert packet is None or packet.type in PacketType


@pytest.mark.rows("D6")
@given(
    st.lists(
        st.sampled_from(['51-["a",{"_placeholder":true,"num":0}]', '2["a"]', "50-[]", b"", b"x"]), max_size=8
    )
)
def test_decoder_recovers_from_any_order_of_messages(parts):
    """A packet is due a binary message, or none is: there is no third state."""
    decoder = Decoder(10, 100)
    is_due = False
    for part in parts:
        try:
            packet = add(decoder, part)
        except RemoteProtocolError:
            assert is_due == isinstance(part, str) or part == "50-[]"
        else:
            assert is_due == isinstance(part, bytes)
            is_due = packet is None


@pytest.mark.rows("D4")
def test_as_many_attachments_as_allowed_and_no_more():
    event = ["a", *(bytes([i]) for i in range(10))]
    wire = messages(Packet(PacketType.EVENT, "/", event))
    assert decode(*wire, max_attachments=10).data == event
    with pytest.raises(RemoteProtocolError, match="too many attachments"):
        decode(wire[0], max_attachments=9)


def test_attachments_have_one_limit_together():
    head = '52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    assert decode(head, b"x" * 60, b"y" * 40, max_bytes=100).data == ["a", b"x" * 60, b"y" * 40]
    with pytest.raises(RemoteProtocolError, match="attachments of 101 bytes exceed max_http_buffer_size=100"):
        decode(head, b"x" * 60, b"y" * 41, max_bytes=100)


def nested(depth):
    return '51-["a",' + "[" * depth + '{"_placeholder":true,"num":0}' + "]" * depth + "]"


def test_placeholder_in_a_nesting_bomb_is_a_bad_packet():
    with pytest.raises(RemoteProtocolError, match="invalid JSON"):
        decode(nested(48_000), b"x")


def test_placeholder_two_thousand_levels_deep_is_replaced_where_python_allows_it():
    try:
        value = decode(nested(2_000), b"x").data[1]
    except RemoteProtocolError:  # the limit differs between versions of Python
        return
    for _ in range(2_000):
        (value,) = value
    assert value == b"x"


def test_fifty_levels_always_work():
    head = '51-["a",' + '{"k":' * 50 + '{"_placeholder":true,"num":0}' + "}" * 50 + "]"
    value = decode(head, b"x").data[1]
    for _ in range(50):
        value = value["k"]
    assert value == b"x"


# What applications emit


@pytest.mark.rows("D10")
@pytest.mark.parametrize("name", SIX)
def test_reserved_names_cannot_be_emitted(name):
    with pytest.raises(ReservedEventError) as caught:
        encode_event(name, [])
    assert str(caught.value) == f'"{name}" is a reserved event name'
    assert isinstance(caught.value, LocalProtocolError)


@pytest.mark.rows("D9")
@pytest.mark.parametrize("name", SIX)
def test_reserved_names_are_refused_when_they_come(name):
    with pytest.raises(RemoteProtocolError, match="invalid payload"):
        decode(f'2["{name}",1]')
    with pytest.raises(RemoteProtocolError, match="invalid payload"):
        decode(f'51-["{name}",{{"_placeholder":true,"num":0}}]', b"x")


@pytest.mark.rows("D9")
@pytest.mark.parametrize("name", ["error", "message", "ping", "__class__", "__init__", "Connect", "connect "])
def test_all_other_names_are_ordinary(name):
    assert decode(f'2["{name}"]').data == [name]
    assert encode_event(name, []).payload() == f'42["{name}"]'.encode()


@pytest.mark.rows("F5", "D8")
@pytest.mark.parametrize("name", [5, 0, -1, 2.5, 2**53])
def test_numbers_are_event_names_and_stay_numbers(name):
    assert encode_event(name, ["x"]).payload() == f'42[{name},"x"]'.encode()
    assert decode(f'2[{name},"x"]').data == [name, "x"]
    assert type(decode(f'2[{name},"x"]').data[0]) is type(name)


@pytest.mark.parametrize("name", [None, True, b"a", ["a"], float("nan"), float("inf")])
def test_nothing_else_is_an_event_name(name):
    with pytest.raises(LocalProtocolError, match="event name"):
        encode_event(name, [])


@pytest.mark.rows("D16")
def test_none_is_null_and_what_is_missing_is_absent():
    assert encode_event("a", [None, 1, None]).payload() == b'42["a",null,1,null]'
    assert decode('2["a",null,1]').data == ["a", None, 1]
    assert decode('2["a"]').data == ["a"]


def test_only_events_and_acks_carry_binary():
    with pytest.raises(LocalProtocolError, match="CONNECT packet cannot carry binary"):
        encode(Packet(PacketType.CONNECT, "/", {"auth": b"x"}))


def test_a_look_alike_of_a_placeholder_is_plain_data_in_a_plain_event():
    look_alike = {"_placeholder": True, "num": 0}
    (text,) = messages(Packet(PacketType.EVENT, "/", ["a", look_alike]))
    assert text == '2["a",{"_placeholder":true,"num":0}]'
    assert decode(text).data == ["a", look_alike]


def test_an_event_that_cannot_be_encoded_is_the_callers_mistake():
    cycle: list[object] = []
    cycle.append(cycle)
    for argument in (cycle, object(), {1j: 2}):
        with pytest.raises(LocalProtocolError):
            encode_event("a", [argument])
