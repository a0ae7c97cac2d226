"""The short way of events and acknowledgements: what it does, it does as the parser; the rest it leaves to it."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trio_socketio._core import EventReader, Message, PacketWriter, is_json
from trio_socketio.errors import RemoteProtocolError
from trio_socketio.socketio import RESERVED_EVENTS, Decoder, encode_ack, encode_event, packet_writer

encode = msgspec.json.Encoder().encode
read = EventReader(msgspec.json.decode, lambda *event: event, RESERVED_EVENTS).read

plain = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
trees = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(st.text(), inner, max_size=3)
    ),
)
arguments = st.lists(trees, max_size=3).map(tuple)
namespaces = st.sampled_from(["/", "/chat", "/räume/5"])
ack_ids = st.none() | st.integers(0, 2**53 - 1)
names = st.text() | st.sampled_from(["connection", "message"])


@given(namespaces, names, arguments, ack_ids)
def test_an_event_is_written_as_the_parser_writes_it(namespace, name, args, ack_id):
    message = packet_writer(namespace).event(name, args, ack_id)
    if message is not None:
        assert message.payload() == encode_event(name, args, namespace, ack_id).payload()
    else:
        assert name in RESERVED_EVENTS or not is_utf8([name, args])


@given(namespaces, st.integers(0, 2**53 - 1), arguments)
@example("/", 0, ())
@example("/", 2**53 - 1, (1,))
def test_an_acknowledgement_is_written_as_the_parser_writes_it(namespace, ack_id, values):
    message = packet_writer(namespace).ack(ack_id, values)
    if message is not None:
        assert message.payload() == encode_ack(namespace, ack_id, values).payload()
    else:
        assert not is_utf8(values)


def is_utf8(value: Any) -> bool:
    try:
        encode(value)
    except UnicodeEncodeError:
        return False
    return True


class Text(str):
    """Not a ``str`` by itself."""

    __slots__ = ()


@pytest.mark.parametrize("value", [b"x", bytearray(b"x"), Text("x"), {1}, object(), 1j, msgspec.UNSET])
@pytest.mark.parametrize(
    "around", [lambda v: v, lambda v: [1, v], lambda v: (v,), lambda v: {"k": {"l": [v]}}]
)
def test_what_may_hold_an_attachment_is_left_to_the_parser(value, around):
    assert not is_json(around(value))
    assert packet_writer("/").event("name", (around(value),)) is None
    assert packet_writer("/").ack(0, (around(value),)) is None


@given(trees)
def test_what_is_json_through_and_through_is_known_as_such(value):
    assert is_json(value)


def test_what_contains_itself_is_left_to_the_parser():
    cycle: list[Any] = []
    cycle.append({"again": (cycle,)})
    assert not is_json(cycle)


@pytest.mark.parametrize("name", [*RESERVED_EVENTS, 5, 5.5, True, None, b"x", Text("x")])
def test_a_name_that_is_no_plain_text_or_reserved_is_left_to_the_parser(name):
    assert packet_writer("/").event(name, ()) is None


@pytest.mark.parametrize("args", [(10**5000,), ("\ud800",), ({(): 1},)])
def test_what_msgspec_refuses_is_left_to_the_parser(args):
    assert packet_writer("/").event("name", args) is None


def test_not_a_number_becomes_null():
    message = packet_writer("/").event("x", (math.nan, math.inf))
    assert message is not None
    assert message.payload() == b'42["x",null,null]'


@given(namespaces, names, arguments, ack_ids)
def test_what_was_written_is_read(namespace, name, args, ack_id):
    message = packet_writer(namespace).event(name, args, ack_id)
    if message is not None:
        data = message.payload()[1:]
        assert_read_as_the_parser_does(data)
        assert read(data) is not None


heads = st.sampled_from(["", "0", "1", "2", "3", "51-", "52-", "02", "22"])
infixes = st.sampled_from(["", "/", "/,", "/chat,", "/chat", "/\ufffd,"])
numbers = st.sampled_from(["", "0", "17", "007", "9007199254740991", "9007199254740992", "-1"])
whole = st.sampled_from(
    ["[]", '["a"]', '["a",{"b":[1]}]', '["connect"]', "[5]", "[true]", "[null]", '{"a":1}', '"a"']
)
broken = st.sampled_from(
    ["", '["a"', '["\\ud800"]', '["a",1e999]', '["a"] ', "[" * 2000, '["a",' + "[" * 2000]
)
packets = st.tuples(heads, infixes, numbers, whole | broken).map(lambda parts: "".join(parts).encode())


@given(st.binary(max_size=12) | packets)
@example(b'2/\xff,["a"]')
@example(b'2["\xff"]')
def test_what_is_read_is_read_as_the_parser_reads_it(data):
    assert_read_as_the_parser_does(data)


def assert_read_as_the_parser_does(data: bytes) -> None:
    event = read(data)
    if event is None:
        return
    try:
        undecoded = Decoder(max_attachments=10, max_bytes=1000).collect_text(data)
        packet = None if undecoded is None else undecoded.packet()
    except RemoteProtocolError:
        pytest.fail(f"read {event}, which the parser refuses")
    assert packet is not None
    namespace, name, args, ack_id, size = event
    assert (packet.namespace, packet.data, packet.id, packet.size) == (namespace, [name, *args], ack_id, size)


def test_arguments_of_the_wrong_kind_are_refused():
    with pytest.raises(TypeError):
        EventReader(None, tuple, RESERVED_EVENTS)
    with pytest.raises(TypeError):
        EventReader(encode, tuple, {"a"})
    with pytest.raises(TypeError):
        PacketWriter(b"/", encode, RESERVED_EVENTS)
    with pytest.raises(TypeError):
        read("2[]")
    with pytest.raises(TypeError):
        read(None)
    writer = packet_writer("/")
    with pytest.raises(TypeError):
        writer.event("x", [1])
    with pytest.raises(TypeError):
        writer.ack("7", ())
    with pytest.raises(TypeError):
        writer.ack(None, ())
    with pytest.raises(OverflowError):
        writer.ack(-1, ())


def test_a_message_does_not_change():
    message = Message("x")
    with pytest.raises(TypeError, match="cannot be initialized twice"):
        message.__init__("y")
    assert message.payload() == b"4x"
