"""Shared messages and their encodings; what native functions do with arguments of the wrong kind."""

from __future__ import annotations

import array
import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import oracle
from support.native import ALL, connection, split_payload
from support.wire import server_frames

from trio_socketio._core import Connection, Message, TimerWheel, expire_timers, scan_head


def sent(message: Message) -> bytes:
    link = connection(max_bytes=1)
    link.push(message)
    return link.take(ALL)


sizes = st.sampled_from([0, 1, 125, 126, 127, 65535, 65536, 65537])
binaries = st.binary(max_size=40) | sizes.map(bytes)
texts = st.text(st.characters(exclude_characters="\x1e", exclude_categories=["Cs"])) | sizes.map("x".__mul__)


@pytest.mark.rows("C2")
@given(texts, st.lists(binaries, max_size=3))
def test_on_a_websocket_a_text_frame_has_the_type_digit_and_binary_frames_have_none(text, attachments):
    message = Message(text, attachments)
    frames = sent(message)
    assert server_frames(frames) == [(1, b"4" + text.encode()), *((2, a) for a in attachments)]
    assert len(message) == len(frames)


@pytest.mark.rows("C1")
@given(texts, st.lists(binaries, max_size=3), st.sampled_from("0123456"))
def test_in_a_payload_the_parts_are_joined_by_the_separator(text, attachments, digit):
    message = Message(text, attachments, packet_type=digit)
    assert message.payload() == oracle.join_payload([digit + text, *attachments])
    assert split_payload(message.payload()) == ([digit + text, *attachments], None)


def test_the_vector_of_the_wire_notes():
    message = Message('51-["bin",{"_placeholder":true,"num":0},"€😀"]', [b"\1\2\3"])
    assert message.payload() == '451-["bin",{"_placeholder":true,"num":0},"€😀"]\x1ebAQID'.encode()


@given(texts)
def test_text_may_be_given_as_utf8(text):
    assert sent(Message(text.encode())) == sent(Message(memoryview(text.encode()))) == sent(Message(text))


def test_a_message_of_attachments_alone():
    message = Message(None, [b"", b"x"])
    assert server_frames(sent(message)) == [(2, b""), (2, b"x")]
    assert message.payload() == b"b\x1ebeA=="


def test_a_message_outlives_whoever_made_it_and_is_the_same_to_all():
    members = [connection(max_bytes=1) for _ in range(3)]
    message = Message("x", [b"y"])
    for member in members:
        member.push(message)
    del message
    gc.collect()
    assert [member.take(ALL) for member in members] == [b"\x81\x024x\x82\x01y"] * 3


def test_a_message_stays_when_its_source_is_overwritten():
    source = bytearray(b"first")
    message = Message(source, [source])
    source[:] = b"later"
    assert message.payload() == b"4first\x1ebZmlyc3Q="


# Wrong kinds of arguments


class Bytes(bytes):
    pass


def released() -> memoryview:
    view = memoryview(b"gone")
    view.release()
    return view


BYTES = [
    Bytes(b"4x"),
    bytearray(b"4x"),
    memoryview(b"4x"),
    memoryview(bytearray(b"4x")),
    array.array("B", b"4x"),
]
NO_BYTES = [
    memoryview(b"4-x-")[::2],
    memoryview(b"x4")[::-1],
    memoryview(bytes(16)).cast("B", (4, 4)),
    array.array("i", [1]),
    5,
    object(),
    [1],
]


@pytest.mark.parametrize("data", BYTES)
def test_every_contiguous_buffer_of_bytes_will_do(data):
    assert Message(data, [data]).payload() == b"44x\x1ebNHg="
    assert connection().feed(data) is None


@pytest.mark.parametrize("attachment", [*NO_BYTES, released(), "text", None])
def test_an_attachment_is_a_contiguous_buffer_of_bytes(attachment):
    with pytest.raises((TypeError, ValueError, BufferError)):
        Message("x", [attachment])


@pytest.mark.parametrize("data", [*NO_BYTES, released(), None, "text"])
def test_anything_else_is_an_exception(data):
    with pytest.raises((TypeError, ValueError, BufferError)):
        connection().feed(data)


@pytest.mark.parametrize("text", [*NO_BYTES, released(), "\ud800"])
def test_the_text_of_a_message_is_text(text):
    with pytest.raises((TypeError, ValueError, BufferError)):
        Message(text)


@pytest.mark.parametrize("data", [None, "2", 5, bytearray(b"2")])
def test_a_head_is_scanned_in_bytes_only(data):
    with pytest.raises(TypeError):
        scan_head(data, 10)


@pytest.mark.parametrize(
    "keywords", [{"packet_type": p} for p in ("", "44", "é", None)] + [{"key": -1}, {"key": 2**64}]
)
def test_the_options_of_a_message_are_checked(keywords):
    with pytest.raises((TypeError, ValueError, OverflowError)):
        Message("x", **keywords)


@pytest.mark.parametrize("wrong", [None, b"x", 5, object()])
def test_connections_take_their_own_kind_only(wrong):
    link = connection()
    for function in (link.push, link.adopt, link.take, link.next_event, link.set_deadline):
        if isinstance(wrong, int) and function in (link.take, link.next_event, link.set_deadline):
            continue
        with pytest.raises(TypeError):
            function(wrong)
    with pytest.raises(TypeError):
        Connection(wrong, max_message_bytes=1, max_fragments=1, max_packets=1, max_bytes=1, policy=0)


@pytest.mark.parametrize("name", ["max_message_bytes", "max_fragments", "max_packets", "max_bytes"])
@pytest.mark.parametrize("value", [-1, 2**64, None, "1"])
def test_limits_are_numbers_in_range(name, value):
    with pytest.raises((TypeError, OverflowError)):
        connection(**{name: value})


@pytest.mark.parametrize("code", [-1, 65536, None])
def test_a_close_code_has_two_bytes(code):
    with pytest.raises((TypeError, OverflowError)):
        connection().close(code)


def test_a_wheel_lives_as_long_as_its_connections():
    link = Connection(
        TimerWheel(0.0), max_message_bytes=1, max_fragments=1, max_packets=1, max_bytes=1, policy=0
    )
    link.owner = {"the session": link}
    link.set_deadline(5.0)
    gc.collect()
    link.owner = None
    del link
    gc.collect()


def test_a_connection_that_is_freed_is_out_of_the_wheel():
    wheel = TimerWheel(0.0)
    link = connection(wheel)
    link.set_deadline(5.0)
    assert len(wheel) == 1
    del link
    gc.collect()
    assert len(wheel) == 0
    assert expire_timers(wheel, 10.0, Message("", packet_type="2")) == []
